"""DRSformer's feed-forward network (section 3.3, "mixed-scale"): depthwise convolutions of 3x3 and 5x5 pixels."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class MixedScaleFeedForward(nn.Module):
    """From `channels` to `channels`.

    As published, the grouped convolutions take neighbouring channels of the concatenation, two of 3x3 or two of 5x5, and not
    one of each as the paper draws it.

    Args:
        channels: of the map.
        hidden: r; the map has twice as many channels in between.
    """

    def __init__(self, *, channels: int, hidden: int) -> None:
        super().__init__()
        wide = 2 * hidden
        self.project_in = nn.Conv2d(channels, wide, 1, bias=False)
        self.dwconv3x3 = nn.Conv2d(wide, wide, 3, padding=1, groups=wide, bias=False)
        self.dwconv5x5 = nn.Conv2d(wide, wide, 5, padding=2, groups=wide, bias=False)
        self.dwconv3x3_1 = nn.Conv2d(wide, hidden, 3, padding=1, groups=hidden, bias=False)
        self.dwconv5x5_1 = nn.Conv2d(wide, hidden, 5, padding=2, groups=hidden, bias=False)
        self.project_out = nn.Conv2d(wide, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Every image for itself."""
        y = self.project_in(x)
        small, large = self.dwconv3x3(y).relu().chunk(2, 1), self.dwconv5x5(y).relu().chunk(2, 1)
        first = self.dwconv3x3_1(torch.cat([small[0], large[0]], 1)).relu()
        second = self.dwconv5x5_1(torch.cat([small[1], large[1]], 1)).relu()
        return self.project_out(torch.cat([first, second], 1))
