import pytest
import torch

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.encoders.edsr import EDSR
from splatsr.models.continuoussr import ContinuousSR


def model_of(*overrides: str) -> ContinuousSR:
    narrow = ["model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8"]
    return build(settings_of("model=continuoussr_tiny", *narrow, *overrides)["model"])


def test_published_weights_are_xavier_uniform_with_zero_biases() -> None:
    model = model_of("model/initialisation=published")
    linears = [layer for head in (model.ddcw, model.apd, model.cgm) for layer in head.modules()]
    linears = [layer for layer in linears if isinstance(layer, torch.nn.Linear)]
    assert len(linears) == 2 + 3 + 3
    for layer in linears:
        bound = (6 / (layer.in_features + layer.out_features)) ** 0.5
        assert 0.5 * bound < layer.weight.abs().max() <= bound
        assert not layer.bias.any()


@pytest.mark.parametrize("shapes", ["ddcw_tiny", "regressed_tiny"])
@pytest.mark.parametrize("skip", [True, False])
@torch.inference_mode()
def test_the_first_field_of_a_constant_image_is_constant(shapes: str, skip: bool) -> None:
    model = model_of(f"model/shapes={shapes}", f"model.colors.skip={skip}").eval()
    image = model(torch.full((1, 3, 8, 9), 0.6)).render(scale=4)
    assert (image[..., 12:-12, 12:-12] - 0.6).abs().max() < 0.03


@pytest.mark.parametrize(
    ("collapses", "initialisation", "expected"),
    [(True, "published", True), (True, "blurred_lr", False), (False, "published", False)],
)
def test_the_initialisation_says_whether_training_may_collapse(
    collapses: bool, initialisation: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EDSR, "collapses_from_random", collapses, raising=False)
    assert model_of(f"model/initialisation={initialisation}").may_collapse is expected
