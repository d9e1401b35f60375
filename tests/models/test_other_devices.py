"""No model makes a tensor on the processor while it computes on a GPU: run on tensors that have a device and no values."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from composed import MODELS, settings_of
from splatsr.checkpoints.build import build
from splatsr.decoders.repredicted_image import RepredictedImage
from splatsr.encoders.window_attention import window_order
from splatsr.geometry import Output
from splatsr.image.field import GaussianField
from splatsr.splatting.footprint import excess, widen

READING = {"gaussiansr", "gaussiansr_per_pixel", "clit", "clit_one_stage", "lmliif", "lmliif_cmsr", "gsasr_tiled"}
"""Models that read the size of an output from its cell, a tensor, or encode when they render: without values neither works."""

WITHOUT_NETWORK = {"bicubic", "gaussianimage"}


def onto_the_device(model: nn.Module) -> None:
    """Parameters and buffers become tensors of the device, without values."""
    for module in model.modules():
        for tensors, wrap in ((module._parameters, nn.Parameter), (module._buffers, Tensor.detach)):
            for name, tensor in tensors.items():
                if tensor is not None:
                    tensors[name] = wrap(torch.empty(tensor.shape, dtype=tensor.dtype, device="cuda"))


def drawn(field: GaussianField | RepredictedImage) -> Tensor:
    """What `render` does before it splats."""
    if isinstance(field, RepredictedImage):
        return sum(part.sum() for part in field._kernels(Output((18, 20), (1.5, 20 / 12))))
    cholesky, _ = widen(field.cholesky, field.colors, excess((1.5, 1.5), 2.0))
    means, _ = field._at((18, 18), (1.5, 1.5))
    return means.sum() + cholesky.sum()


@pytest.fixture(autouse=True)
def _no_windows_without_values() -> Iterator[None]:
    yield
    window_order.cache_clear()


@pytest.mark.parametrize("name", [name for name in MODELS if str(name) not in WITHOUT_NETWORK])
def test_everything_is_on_the_device_of_the_image(name: str) -> None:
    model = build(settings_of(f"model={name}")["model"])
    with torch.backends.cudnn.flags(enabled=False), FakeTensorMode():  # cuDNN knows no tensors without values
        onto_the_device(model)
        image = model.train()(torch.empty(2, 3, 12, 12, device="cuda"))
        render: Callable[..., Tensor] = image.render
        if name in READING:
            return
        made = drawn(image) if isinstance(image, GaussianField | RepredictedImage) else render(size=(18, 20))
        assert made.device.type == "cuda"
