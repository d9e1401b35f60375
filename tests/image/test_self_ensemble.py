import pytest
import torch

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.image.continuous_image import ContinuousImage
from splatsr.image.self_ensemble import SelfEnsemble
from splatsr.models.bicubic import Bicubic


@torch.inference_mode()
def test_it_turns_with_the_image() -> None:
    torch.manual_seed(0)
    model = SelfEnsemble(build(settings_of("model=continuoussr_tiny", "model/initialisation=published")["model"]).eval())
    lr = torch.rand(1, 3, 6, 9)
    image = model(lr)
    assert isinstance(image, ContinuousImage)
    assert image.size == (6, 9)
    for turned, back in ((lr.flip(-1), lambda x: x.flip(-1)), (lr.transpose(-1, -2), lambda x: x.transpose(-1, -2))):
        expected = image.render(scale=(2, 2))
        torch.testing.assert_close(back(model(turned).render(scale=(2, 2))), expected, atol=2e-5, rtol=0)
    plain = model.model(lr).render(scale=2)
    assert (plain - image.render(scale=2)).abs().max() > 1e-3  # a model alone prefers an orientation


@torch.inference_mode()
def test_sides_and_scales_go_with_the_orientation() -> None:
    image = SelfEnsemble(Bicubic().eval())(torch.rand(2, 3, 6, 9))
    assert image.render(size=(13, 40)).shape == (2, 3, 13, 40)
    assert image.render(scale=(3, 1.5)).shape == (2, 3, 18, 14)


def test_it_says_what_a_pixel_is() -> None:
    assert SelfEnsemble(Bicubic().eval()).rendering == "PIL bicubic, 8 bit; mean over eight orientations"
    assert not SelfEnsemble(Bicubic().eval()).has_weights
    with pytest.raises(AttributeError):
        SelfEnsemble(Bicubic().eval()).encoder  # noqa: B018
