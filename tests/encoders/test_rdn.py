import pytest
import torch

from composed import settings_of
from golden import golden_weights, read_golden
from splatsr.arguments import check_arguments
from splatsr.checkpoints.build import build
from splatsr.encoders.rdn import RDN
from splatsr.errors import InputError


def small(upscale: int, out_channels: int = 8) -> RDN:
    return RDN(channels=8, growth=4, blocks=2, layers=3, upscale=upscale, out_channels=out_channels)


def test_features_equal_the_published_network() -> None:
    golden, metadata = read_golden("rdn")
    encoder = RDN(channels=64, growth=64, blocks=16, layers=8, upscale=1, out_channels=64).eval()
    encoder.load_state_dict(golden_weights(metadata))
    with torch.inference_mode():
        output = encoder(golden["input"])
    assert (output - golden["output"]).abs().max() < 1e-5 * golden["output"].abs().max()


def test_the_configured_encoder_is_rdn_b_with_a_x4_tail() -> None:
    published = read_golden("rdn")[1]
    encoder = build(settings_of("model=continuoussr", "model/encoder=rdn")["model"]["encoder"])
    shapes = {name: list(tensor.shape) for name, tensor in encoder.state_dict().items()}
    body = {name: shape for name, (_, shape) in published["state_dict"].items()}
    tail = {f"UPNet.{stage}.{part}": [256, 64, 3, 3] if part == "weight" else [256]
            for stage in (0, 2) for part in ("weight", "bias")}  # fmt: skip
    assert shapes == {**body, **tail}
    assert sum(encoder.state_dict()[name].numel() for name in body) == published["params"]


@pytest.mark.parametrize("upscale", [1, 2, 3, 4, 6, 8])
def test_grid_is_upscale_times_as_fine(upscale: int) -> None:
    assert small(upscale)(torch.rand(2, 3, 5, 7)).shape == (2, 8, 5 * upscale, 7 * upscale)


@pytest.mark.parametrize(("upscale", "out_channels"), [(1, 8), (2, 6), (3, 8), (4, 6)])
def test_carried_rgb_is_the_input_enlarged(upscale: int, out_channels: int) -> None:
    encoder = small(upscale, out_channels)
    matrix, offset = encoder.initialise_identity()
    lr = torch.rand(2, 3, 5, 7)
    rgb = torch.einsum("rc,bchw->brhw", matrix, encoder(lr)) + offset
    torch.testing.assert_close(rgb, lr.repeat_interleave(upscale, 2).repeat_interleave(upscale, 3))


def test_carrying_rgb_leaves_the_other_channels_alone() -> None:
    encoder = small(2)
    encoder.initialise_identity()
    assert encoder(torch.rand(1, 3, 5, 7))[:, 3:].std() > 1e-3


def test_impossible_grids_are_refused() -> None:
    with pytest.raises(InputError, match="upscale must be one of 1, 2, 3, 4, 6, 8; got 5"):
        check_arguments(RDN, {"upscale": 5}, where="model.encoder")
    with pytest.raises(ValueError, match="out_channels must equal channels"):
        small(1, out_channels=16)
