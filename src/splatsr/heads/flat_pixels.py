"""Fewer kernels where there is little to show: four for every pixel, of a clear sky too, are the paper's own limitation (A.10).

An LR pixel in flat surroundings gets one kernel in place of all of its cells' kernels, `per_side` times as wide. The rule looks
at the LR image alone: it is known before anything is encoded, the same in training and after, and the same on tiles.

Wide kernels end at a seam more slowly than narrow ones begin; side by side they add up to a ridge of a fifth of the color. But
a wide Gaussian is a sum of narrow ones, with weights that are a Gaussian too: these say which share of each narrow kernel the
wide ones make already. The narrow kernels, on both sides of the seam, make the rest (corners of the seam are off by up to 3 %);
where that is nothing they are empty, and no head works for them.
"""

from typing import Annotated, NamedTuple

import torch
from annotated_types import Ge, Gt, Le
from jaxtyping import Bool, Float
from torch import Tensor, nn

from splatsr.geometry import Number

FAR = 2
"""LR pixels: beyond, the narrow ones that a wide kernel is a sum of weigh less than 1 %."""

NOTHING = 0.005
"""What is left to a narrow kernel below this share of its color, about a level, is left out."""


class Merged(NamedTuple):
    """Kernels of an image's cells, `per_side` of them along either axis of an LR pixel, of which some are merged.

    Attributes:
        wide: those that stand for a whole LR pixel; of its cells that which lies deepest among wide ones.
        empty: those that are left out.
        share: of their colors that the others keep; 1 for wide ones, 0 for empty ones.
        per_side: how many times as wide the wide ones are.
    """

    wide: Bool[Tensor, "b n"]
    empty: Bool[Tensor, "b n"]
    share: Float[Tensor, "b n"]
    per_side: int

    def applied(
        self, means: Float[Tensor, "b n 2"], cholesky: Float[Tensor, "b n 3"], colors: Float[Tensor, "b n c"], corners: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(means, Cholesky rows, colors) of kernels of cells with these `corners` (n, 2): wide ones spread from the corner of
        their LR pixel, empty ones all 0."""
        wide, empty, corners = self.wide[..., None], self.empty[..., None], corners.to(means)
        means = torch.where(wide, corners.floor() + self.per_side * (means - corners), means)
        cholesky = (cholesky * (1 + (self.per_side - 1) * wide)).masked_fill(empty, 0)
        return means, cholesky, colors * self.share[..., None]


class FlatPixels(nn.Module):
    """Which LR pixels have flat surroundings.

    Args:
        threshold: the most by which values within the surroundings may differ, in any channel; values are in [0, 1].
        reach: LR pixels that the surroundings extend in every direction. A kernel for a whole pixel is felt two pixels away.
    """

    def __init__(self, *, threshold: Annotated[Number, Gt(0), Le(1)], reach: Annotated[int, Ge(0), Le(16)]) -> None:
        super().__init__()
        self.threshold, self.reach = threshold, reach

    @property
    def sees(self) -> int:
        """LR pixels beyond its own that decide on a cell's kernel: flat ones, in blocks of 2x2, `FAR` away."""
        return self.reach + 1 + FAR

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Bool[Tensor, "b h w"]:
        """True where all that lies within `reach`, as far as there is an image, differs by no more than the threshold."""
        side = 2 * self.reach + 1
        most, least = (sign * nn.functional.max_pool2d(sign * lr, side, 1, self.reach) for sign in (1, -1))
        return (most - least).amax(1) <= self.threshold

    def merged(self, lr: Float[Tensor, "b 3 h w"], per_side: int, deviation: float) -> Merged:
        """What becomes of the kernels of these images; `deviation` is their mean standard deviation, LR pixels."""
        flat = in_blocks(self(lr).to(lr.dtype))
        made = shares(flat, per_side, deviation)
        of_pixel = nn.functional.pixel_unshuffle(made, per_side)
        deepest = (of_pixel * 1000).round().argmax(1, keepdim=True)  # of equals the first one, whatever their last bits
        host = deepest == torch.arange(per_side**2, device=lr.device)[:, None, None]
        wide = host & (flat > 0)
        # What the wide kernel's own cell keeps of its narrow one goes to its neighbours in the pixel.
        left = 1 - of_pixel
        moved = (left * wide).sum(1, keepdim=True) / (per_side**2 - 1)
        share = torch.where(wide, 1.0, left + moved)
        share = torch.where(share < NOTHING, 0.0, share)
        wide, share = (nn.functional.pixel_shuffle(part.to(lr.dtype), per_side)[:, 0].flatten(1) for part in (wide, share))
        return Merged(wide > 0, share == 0, share, per_side)


def in_blocks(flat: Float[Tensor, "b h w"]) -> Float[Tensor, "b 1 h w"]:
    """1 where a pixel belongs to a block of 2x2 pixels that all are 1, else 0: a line of single pixels is all seam."""
    beyond = nn.functional.pad(flat[:, None], (1, 1, 1, 1))  # nothing is flat there: no block reaches across the border
    return nn.functional.max_pool2d(-nn.functional.max_pool2d(-beyond, 2, 1), 2, 1)


def shares(wide: Float[Tensor, "b 1 h w"], per_side: int, deviation: float) -> Float[Tensor, "b 1 kh kw"]:
    """Of the narrow kernel of every cell, the share that is made by wide ones in the middle of the pixels where `wide` is 1.

    A Gaussian of per_side times the deviation is the narrow one blurred by one of (per_side^2 - 1) times its variance.
    """
    cells = (torch.arange(per_side, dtype=wide.dtype, device=wide.device) + 0.5) / per_side - 0.5  # from a pixel's middle
    pixels = torch.arange(-FAR, FAR + 1, dtype=wide.dtype, device=wide.device)
    along = torch.exp(-((cells[:, None] - pixels).square()) / (2 * (per_side**2 - 1) * deviation**2))
    along = along / along.sum(1, keepdim=True)
    taps = (along[:, None, :, None] * along[None, :, None, :]).flatten(0, 1)[:, None]
    return nn.functional.pixel_shuffle(nn.functional.conv2d(wide, taps, padding=FAR), per_side)
