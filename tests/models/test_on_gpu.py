"""Every model on a GPU: the pixels of the processor, and gradients that are numbers. Skipped without one."""

from collections.abc import Iterator

import pytest
import torch

from composed import MODELS, settings_of
from splatsr.checkpoints.build import build

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]

QUICKER = {"gaussianimage": ["model.fitting.steps=2"]}


@pytest.fixture(autouse=True)
def _exact_products() -> Iterator[None]:
    """Convolutions in float32, not in the shorter TensorFloat-32 that torch lets cuDNN use."""
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = allowed


@pytest.mark.parametrize("name", MODELS)
def test_draws_what_the_processor_draws(name: str) -> None:
    torch.manual_seed(0)
    model = build(settings_of(f"model={name}", *QUICKER.get(name, []))["model"]).eval()
    lr = torch.nn.functional.interpolate(torch.rand(1, 3, 5, 6), (12, 13), mode="bilinear")
    with torch.no_grad():
        expected = model(lr).render(size=(30, 37))
        drawn = model.cuda()(lr.cuda()).render(size=(30, 37))
    assert drawn.is_cuda
    error = float((drawn.cpu() - expected).norm() / expected.norm())
    assert error < 1e-3, f"{error:.1e} of the norm"


@pytest.mark.parametrize("name", MODELS)
def test_learns(name: str) -> None:
    torch.manual_seed(0)
    model = build(settings_of(f"model={name}", *QUICKER.get(name, []))["model"]).cuda().train()
    if not any(parameter.requires_grad for parameter in model.parameters()):
        pytest.skip("has nothing to learn")
    image = model(torch.rand(2, 3, 12, 12, device="cuda"))
    image.render(size=(24, 24)).square().mean().backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert gradients
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)
