import pytest
import torch

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.heads.ablated import Anchors, FreePositions, RegressedShapes
from splatsr.models.continuoussr import ContinuousSR

NARROW = ["model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8"]


def model_of(*overrides: str) -> ContinuousSR:
    return build(settings_of("model=continuoussr_tiny", *NARROW, *overrides)["model"])


def test_without_ddcw_shapes_know_no_range() -> None:
    head = RegressedShapes(channels=3, embedding=8, hidden=[8])
    torch.nn.init.constant_(head.mlp[-1].bias, 50.0)
    rows = head(torch.randn(2, 3, 4, 5))
    assert rows.shape == (2, 20, 3)
    assert (rows > 40).all()
    head.start_typical()
    torch.testing.assert_close(head(torch.randn(1, 3, 4, 5))[0, 7], torch.tensor([1.0, 0.0, 1.0]))


def test_anchors_are_the_corners_of_the_cells_and_stay_there() -> None:
    means = Anchors(per_side=2)(torch.randn(2, 8, 3), (1, 2))
    assert means[1].tolist() == [[0, 0], [0.5, 0], [1, 0], [1.5, 0], [0, 0.5], [0.5, 0.5], [1, 0.5], [1.5, 0.5]]


def test_without_anchors_every_kernel_reaches_the_whole_image() -> None:
    head = FreePositions(channels=3, hidden=[8])
    torch.nn.init.zeros_(head.mlp[-1].weight)
    torch.nn.init.zeros_(head.mlp[-1].bias)
    features = torch.randn(2, 40, 3)
    torch.testing.assert_close(head(features, (2, 5))[1, 3], torch.tensor([2.5, 1.0]))  # x then y
    torch.nn.init.constant_(head.mlp[-1].bias, -99.0)
    assert head(features, (2, 5)).abs().max() == 0


@pytest.mark.parametrize(
    ("override", "shapes", "positions"),
    [("model/dictionary=none", "RegressedShapes", "APD"), ("model.offset_range=0", "DDCW", "Anchors"),
     ("model.offset_range=inf", "DDCW", "FreePositions")],
)  # fmt: skip
@pytest.mark.parametrize("initialisation", ["published", "blurred_lr"])
def test_an_ablated_model_trains_every_weight(override: str, shapes: str, positions: str, initialisation: str) -> None:
    model = model_of(override, f"model/initialisation={initialisation}").train()
    assert (type(model.ddcw).__name__, type(model.apd).__name__) == (shapes, positions)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)  # plain steps explode where all kernels meet
    for _ in range(3):
        optimizer.zero_grad()
        (model(torch.rand(2, 3, 6, 7)).render(scale=2.5) - 0.3).square().mean().backward()
        optimizer.step()
    assert not [name for name, weight in model.named_parameters() if not weight.grad.abs().max() > 0]


def test_only_limited_kernels_are_tiled() -> None:
    assert model_of("model/dictionary=none").tiling is None
    assert model_of("model.offset_range=inf").tiling is None
    assert model_of("model.offset_range=0").tiling.reach == pytest.approx(model_of().tiling.reach - 1)


@torch.inference_mode()
def test_without_ddcw_the_first_field_is_a_blurred_lr_image_too() -> None:
    lr = torch.full((1, 3, 8, 9), 0.6)
    image = model_of("model/dictionary=none").eval()(lr).render(scale=4)
    assert (image[..., 12:-12, 12:-12] - 0.6).abs().max() < 0.03
