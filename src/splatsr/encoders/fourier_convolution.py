"""Convolutions beside a Fourier branch that sees the whole image (Chi et al., "Fast Fourier Convolution", NeurIPS 2020), as
MambaSR has them, with efficient channel attention (Wang et al., "ECA-Net", CVPR 2020) on the convolutions."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from splatsr.image.precision import in_float32


class ChannelGate(nn.Module):
    """ECA: x times a factor for each channel, made of the means of that channel and its two neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Every image for itself."""
        return x * self.conv(x.mean((2, 3))[:, None])[:, 0, :, None, None].sigmoid()


class FourierUnit(nn.Module):
    """A 1x1 convolution and ReLU of the image's spectrum, real and imaginary parts next to each other, and back.

    Args:
        channels: in and out.
    """

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        self.conv_layer = nn.Conv2d(2 * channels, 2 * channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """In float32; every image for itself."""
        return in_float32(self._of_spectrum, x)

    def _of_spectrum(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        parts = torch.view_as_real(torch.fft.rfft2(x, norm="ortho"))  # (b, c, h, half of w, real and imaginary)
        mixed = relu(self.conv_layer(parts.permute(0, 1, 4, 2, 3).flatten(1, 2)))
        spectrum = torch.view_as_complex(mixed.unflatten(1, (-1, 2)).permute(0, 1, 3, 4, 2).contiguous())
        return torch.fft.irfft2(spectrum, s=x.shape[-2:], norm="ortho")


class FourierConvolution(nn.Module):
    """One layer; names of parameters are the published ones.

    Args:
        channels: in and out, at least 2.
    """

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.main_spatial = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)
        )
        self.eca = ChannelGate()
        self.conv1 = nn.Sequential(nn.Conv2d(channels, half, 1, bias=False), nn.ReLU())
        self.fu = FourierUnit(channels=half)
        self.conv2 = nn.Conv2d(half, channels, 1, bias=False)
        self.conv3 = nn.Conv2d(2 * channels, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Every image for itself."""
        near, narrow = self.eca(self.main_spatial(x) + x), self.conv1(x)
        return self.conv3(torch.cat([near, self.conv2(narrow + self.fu(narrow))], 1))
