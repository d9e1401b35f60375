import pytest
import torch

from golden import golden_weights, read_golden
from splatsr.arguments import check_arguments
from splatsr.encoders.edsr import EDSR
from splatsr.errors import InputError


def test_features_equal_the_published_network() -> None:
    golden, metadata = read_golden("edsr-baseline")
    encoder = EDSR(channels=64, blocks=16, upscale=1, out_channels=64, input_mean=0.0).eval()
    weights = {name: tensor for name, tensor in golden_weights(metadata).items() if "_mean" not in name}
    encoder.load_state_dict(weights)
    output = encoder(golden["input"])
    assert (output - golden["output"]).abs().max() < 1e-5 * golden["output"].abs().max()


@pytest.mark.parametrize("upscale", [1, 2, 3, 4, 6, 8])
def test_grid_is_upscale_times_as_fine(upscale: int) -> None:
    encoder = EDSR(channels=8, blocks=1, upscale=upscale, out_channels=8, input_mean=0.4)
    assert encoder(torch.rand(2, 3, 5, 7)).shape == (2, 8, 5 * upscale, 7 * upscale)


@pytest.mark.parametrize("upscale", [1, 2, 4, 6])
def test_carried_rgb_is_the_input_enlarged(upscale: int) -> None:
    encoder = EDSR(channels=8, blocks=2, upscale=upscale, out_channels=8, input_mean=0.45)
    matrix, offset = encoder.initialise_identity()
    lr = torch.rand(2, 3, 5, 7)
    rgb = torch.einsum("rc,bchw->brhw", matrix, encoder(lr)) + offset
    torch.testing.assert_close(rgb, lr.repeat_interleave(upscale, 2).repeat_interleave(upscale, 3))


def test_carrying_rgb_leaves_the_other_channels_alone() -> None:
    encoder = EDSR(channels=8, blocks=1, upscale=2, out_channels=8, input_mean=0.0)
    lr = torch.rand(1, 3, 5, 7)
    encoder.initialise_identity()
    assert encoder(lr)[:, 3:].std() > 1e-3


def test_impossible_grids_are_refused() -> None:
    with pytest.raises(InputError, match="upscale must be one of 1, 2, 3, 4, 6, 8; got 5"):
        check_arguments(EDSR, {"upscale": 5}, where="model.encoder")
    with pytest.raises(ValueError, match="out_channels must equal channels"):
        EDSR(channels=8, blocks=1, upscale=1, out_channels=16, input_mean=0.0)
