"""Cross-scale non-local attention (Mei et al., "Image Super-Resolution with Cross-Scale Non-Local Attention", CVPR 2020), as
CiaoSR has it at the single scale 2.

Every pixel's 3x3 neighbourhood is compared with all 3x3 neighbourhoods of the features at half the size. Each of those is a
place that at full size covers 6x6 pixels: these, weighted by likeness, make features of twice the size, which are halved again.
So a pixel is shown structure that recurs elsewhere in the image, twice as large. Time grows with the square of the number of LR
pixels, memory with that number: pixels are done some at a time.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, fold, pad, threshold, unfold

from splatsr.encoders.reflect import reflect_to_multiple
from splatsr.image.precision import in_float32
from splatsr.image.tiling import Span

_SHARPNESS = 10.0
"""Factor of the likenesses before the softmax."""

_LEAST_NORM = 1e-4
"""Published as the buffer `escape_NaN`."""

_DIVISOR = 6.0
"""Of the result, as published."""

_NEGLIGIBLE = 1e-30
"""Smaller weights are 0: no sum would show them, and processors take ten times as long for numbers near float32's least."""

_TOGETHER = 2**22
"""Numbers, of likenesses or of weighted patches, that are there at a time where no gradient is wanted."""


class CrossScaleAttention(nn.Module):
    """Features in, as many features on the same grid out.

    Args:
        channels: of the features, at least 2.
    """

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        self.conv_match_1 = nn.Sequential(nn.Conv2d(channels, channels // 2, 1), nn.PReLU())
        self.conv_match_2 = nn.Sequential(nn.Conv2d(channels, channels // 2, 1), nn.PReLU())
        self.conv_assembly = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.PReLU())
        self.down = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Every image for itself, in float32; odd sides are mirrored to even ones first."""
        return in_float32(self._attended, features)

    def _attended(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        even = reflect_to_multiple(features, 2)
        sought, places = self.conv_match_1(even), self.conv_match_2(avg_pool2d(even, 2))  # bilinear interpolation by 1/2
        doubled = [_doubled(*maps) for maps in zip(sought, places, self.conv_assembly(even), strict=True)]
        return self.down(torch.stack(doubled))[..., : features.shape[-2], : features.shape[-1]] / _DIVISOR


def _doubled(
    sought: Float[Tensor, "few h w"], places: Float[Tensor, "few half_h half_w"], full: Float[Tensor, "c h w"]
) -> Float[Tensor, "c twice_h twice_w"]:
    """Features of twice the size for one image: what covers the places that are like each pixel's surroundings."""
    channels, height, width = full.shape
    patterns = unfold(places[None], 3, padding=1)[0].T  # a row for each place
    patterns = patterns / patterns.norm(dim=1, keepdim=True).clamp(min=_LEAST_NORM)
    covers = unfold(full[None], 6, padding=2, stride=2)[0].T
    result = full.new_zeros(channels, 2 * height + 4, 2 * width + 4)  # two more on every side, which are cut off
    around = pad(sought[None], (1, 1, 1, 1))
    for (top, end), (left, right) in _pieces(height, width, max(len(covers), 36 * channels)):
        likeness = unfold(around[:, :, top : end + 2, left : right + 2], 3)[0].T @ patterns.T
        weights = threshold((_SHARPNESS * likeness).softmax(1), _NEGLIGIBLE, 0)
        size = 2 * (end - top) + 4, 2 * (right - left) + 4
        covered = fold((weights @ covers).T[None], size, 6, stride=2)[0]  # those of neighbours overlap, and are summed
        result[:, 2 * top : 2 * end + 4, 2 * left : 2 * right + 4] += covered
    return result[:, 2:-2, 2:-2]


def _pieces(height: int, width: int, numbers_per_pixel: int) -> Iterator[tuple[Span, Span]]:
    """Rows and columns of pixels that are done together: whole rows, where one has not too many."""
    most = height * width if torch.is_grad_enabled() else max(_TOGETHER // numbers_per_pixel, 1)
    across, down = min(most, width), max(most // width, 1)
    for top in range(0, height, down):
        for left in range(0, width, across):
            yield (top, min(top + down, height)), (left, min(left + across, width))
