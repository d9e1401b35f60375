"""How far GSASR's Gaussians reach in an output, its paper's raster ratio: the published renderer cuts them by square
windows."""

import math
from typing import Annotated

from annotated_types import Gt
from torch import nn

from splatsr.bounds import MayBeInfinite, Positive
from splatsr.geometry import Number


class RasterWindow(nn.Module):
    """A share of the output: dmax (W - 1) / 2 pixels to either side, and as much of H up and down.

    Args:
        dmax: the share; published: 0.1 in tests, 0.5 in trainings, 0.05 at small scales or for LR images beyond 200 x 200. inf:
            there is no window.
    """

    def __init__(self, *, dmax: Annotated[Number, Gt(0), MayBeInfinite()]) -> None:
        super().__init__()
        self.dmax = dmax

    def forward(self, size: tuple[int, int]) -> tuple[float, float]:
        """(vertical, horizontal) half sides of the window in pixels, of an output of that size (H, W).

        There is none along a side of one pixel, where the published code divides by zero.
        """
        share = self.share(size)
        vertical, horizontal = (math.inf if side == 1 else share * (side - 1) / 2 for side in size)
        return vertical, horizontal

    def share(self, size: tuple[int, int]) -> float:
        """dmax of such an output."""
        return float(self.dmax)


class DynamicRasterWindow(RasterWindow):
    """The same with a share of (dmax + 2) / min(H, W), as the published mode "dynamic" has it: about dmax / 2 + 1 pixels.

    Args:
        dmax: see above.
    """

    def __init__(self, *, dmax: Positive) -> None:
        super().__init__(dmax=dmax)

    def share(self, size: tuple[int, int]) -> float:
        """dmax of such an output."""
        return (self.dmax + 2) / min(size)
