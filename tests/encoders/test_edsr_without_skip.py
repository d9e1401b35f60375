import pytest
import torch

from splatsr.encoders.edsr import EDSR
from splatsr.encoders.edsr_without_skip import EDSRWithoutSkip

SIZES = {"channels": 6, "blocks": 2, "upscale": 1, "out_channels": 6, "input_mean": 0.1}


@torch.inference_mode()
def test_it_is_edsr_without_what_goes_around_the_body() -> None:
    with_skip, without = EDSR(**SIZES), EDSRWithoutSkip(**SIZES)
    without.load_state_dict(with_skip.state_dict())
    lr = torch.rand(2, 3, 5, 7)
    torch.testing.assert_close(with_skip(lr) - without(lr), with_skip.head(lr - 0.1))


def test_nothing_passes_it_unchanged() -> None:
    with pytest.raises(ValueError, match="EDSRWithoutSkip has no identity initialisation"):
        EDSRWithoutSkip(**SIZES).initialise_identity()
