"""What holds of every method that decodes point by point."""

import pytest
import torch
from torch import nn

from composed import settings_of
from flows import calm
from splatsr.checkpoints.build import build
from splatsr.decoders import implicit_image
from splatsr.decoders.conditional_flow import ConditionalFlow
from splatsr.geometry import Output, Strip, pixel_centres
from splatsr.image.continuous_image import QueryableImage, StripImage

METHODS = ("liif", "metasr", "lte", "itsrn", "aliif", "diinn", "ciaosr", "clit", "lmi", "lmliif", "linf", "linf_patch")
MORE = {"clit": ("model.stages=2",)}  # of the cells below, none asks for a third stage


@pytest.fixture(params=METHODS)
def model(request: pytest.FixtureRequest) -> nn.Module:
    """The method as configured, on a narrow encoder."""
    narrow = ("model.encoder.channels=8", "model.encoder.out_channels=8", "model.encoder.blocks=1")
    made = build(settings_of(f"model={request.param}", *narrow, *MORE.get(request.param, ()))["model"]).eval()
    for flow in (module for module in made.modules() if isinstance(module, ConditionalFlow)):
        calm(flow)
    return made


@torch.inference_mode()
def test_a_render_is_the_query_of_its_pixels_centres_in_chunks_or_at_once(
    model: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = model(torch.rand(2, 3, 5, 7))
    assert isinstance(image, QueryableImage)
    assert isinstance(image, StripImage)
    centres = pixel_centres(torch.cartesian_prod(torch.arange(16), torch.arange(23)), (16, 23)).expand(2, -1, -1)
    whole = image.render(size=(16, 23))
    queried = image.query(centres, torch.tensor([[2 / 16, 2 / 23]] * 2))
    torch.testing.assert_close(whole, queried.mT.view(2, 3, 16, 23))
    monkeypatch.setitem(implicit_image.CHUNK, "cpu", 2 * 50)
    torch.testing.assert_close(image.render(size=(16, 23)), whole, atol=1e-5, rtol=1e-5)
    strip = Strip(Output((16, 23), (16 / 5, 23 / 7)), (5, 7), rows=(3, 11), origin=0)
    torch.testing.assert_close(image.render_strip(strip), whole[:, :, 3:11], atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_any_size_renders(model: nn.Module) -> None:
    for lr, size in (((1, 1), (3, 5)), ((1, 4), (2, 9)), ((6, 1), (6, 1)), ((5, 7), (1, 1)), ((5, 7), (4, 31))):
        image = model(torch.rand(1, 3, *lr)).render(size=size)
        assert image.shape == (1, 3, *size)
        assert image.isfinite().all()


def test_every_weight_gets_a_gradient_from_sampled_points(model: nn.Module) -> None:
    coordinates, cell = torch.rand(2, 40, 2) * 2 - 1, torch.tensor([[0.1, 0.2], [0.3, 0.05]])
    model(torch.rand(2, 3, 5, 7)).query(coordinates, cell).square().sum().backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()]
    assert not without


@torch.inference_mode()
def test_every_image_of_a_batch_is_for_itself(model: nn.Module) -> None:
    lr, coordinates, cell = torch.rand(2, 3, 5, 7), torch.rand(2, 40, 2) * 2 - 1, torch.tensor([[0.1, 0.2], [0.3, 0.05]])
    together = model(lr).query(coordinates, cell)
    for index in range(2):
        one = slice(index, index + 1)
        alone = model(lr[one]).query(coordinates[one], cell[one])
        torch.testing.assert_close(together[one], alone, atol=1e-5, rtol=1e-5)
