import torch
from torch import Tensor
from torch.nn.functional import conv1d, conv2d, relu

from splatsr.encoders.fourier_convolution import FourierConvolution


def by_definition(layer: FourierConvolution, x: Tensor) -> Tensor:
    """The specification, the spectrum's parts one channel after the other."""
    near = layer.main_spatial(x) + x
    gate = conv1d(near.mean((2, 3))[:, None], layer.eca.conv.weight, padding=1)[:, 0]
    near = near * gate.sigmoid()[..., None, None]
    narrow = relu(conv2d(x, layer.conv1[0].weight))
    spectrum = torch.fft.rfft2(narrow, norm="ortho")
    parts = torch.stack([part for channel in spectrum.unbind(1) for part in (channel.real, channel.imag)], 1)
    mixed = relu(conv2d(parts, layer.fu.conv_layer.weight))
    wide = torch.fft.irfft2(torch.complex(mixed[:, ::2], mixed[:, 1::2]), s=x.shape[-2:], norm="ortho")
    return conv2d(torch.cat([near, conv2d(narrow + wide, layer.conv2.weight)], 1), layer.conv3.weight)


@torch.no_grad()
def test_it_is_its_definition_at_odd_and_even_sizes() -> None:
    layer = FourierConvolution(channels=6).double()
    for size in ((5, 8), (6, 7), (1, 1)):
        x = torch.randn(2, 6, *size, dtype=torch.float64)
        torch.testing.assert_close(layer(x), by_definition(layer, x))


@torch.no_grad()
def test_it_computes_its_spectrum_in_float32_where_all_else_is_in_half_precision() -> None:
    layer, x = FourierConvolution(channels=8), torch.randn(1, 8, 5, 7)
    with torch.autocast("cpu", torch.bfloat16):
        half = layer(x)
    torch.testing.assert_close(half.float(), layer(x), atol=0.05, rtol=0.05)
