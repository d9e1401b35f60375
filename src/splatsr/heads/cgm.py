"""CGM, Color Gaussian Mapping (ContinuousSR section 4.4): the kernels' colors."""

from functools import partial
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from splatsr.bounds import Widths
from splatsr.heads.grey_surroundings import GreySurroundings
from splatsr.heads.mlp import by_position, mlp
from splatsr.image.precision import in_float32


class CGM(nn.Module):
    """Features, one per kernel, to RGB peaks, unbounded (no sigmoid).

    Args:
        channels: of the features.
        per_side: kernels per LR pixel along either axis.
        skip_gain: 1 / dc_gain, so that the skip alone already renders a blurred LR image; see ContinuousSR.
        hidden: hidden widths of the MLP; five of them in the published model ("six layers": appendix, Table 17).
        skip: add skip_gain * (LR image at the centre of the kernel's cell). The published model has none.
        skip_rule: how the LR image is known between its pixels.
        grey: `heads.grey_surroundings`: where colors are made grey; None, as published: nowhere.

    Attributes:
        reach: LR pixels beyond its own that a kernel's color depends on without the encoder.
    """

    def __init__(
        self,
        *,
        channels: int,
        per_side: int,
        skip_gain: float,
        hidden: Widths,
        skip: bool,
        skip_rule: Literal["bilinear", "bicubic"],
        grey: GreySurroundings | None,
    ) -> None:
        super().__init__()
        self.per_side, self.skip, self.skip_gain, self.skip_rule = per_side, skip, skip_gain, skip_rule
        self.grey = grey
        of_skip = {"bilinear": 1, "bicubic": 2}[skip_rule] if skip else 0
        self.reach = max(of_skip, 0 if grey is None else grey.reach)
        self.mlp = mlp([channels, *hidden, 3])

    def forward(
        self, features: Float[Tensor, "b n c"], lr: Float[Tensor, "b rgb=3 h w"], chosen: Bool[Tensor, "b n"] | None = None
    ) -> Float[Tensor, "b n rgb=3"]:
        # in half precision they moved by up to 1.8 levels
        colors = in_float32(partial(by_position, self.mlp, chosen=chosen), features)
        if self.grey is not None:
            k = self.per_side
            colored = self.grey(lr).repeat_interleave(k, 2).repeat_interleave(k, 3).flatten(2).transpose(1, 2)
            colors = torch.lerp(colors.mean(-1, keepdim=True), colors, colored)
        if not self.skip:
            return colors
        # half-pixel resampling by per_side samples the LR image exactly at the cells' centres
        smooth = nn.functional.interpolate(lr, scale_factor=self.per_side, mode=self.skip_rule, align_corners=False)
        return colors + self.skip_gain * smooth.flatten(2).transpose(1, 2)

    def start_at_zero(self) -> None:
        """Re-initialises the MLP to return zeros, so that the skip is all there is."""
        nn.init.zeros_(self.mlp.last.weight)
        nn.init.zeros_(self.mlp.last.bias)

    @torch.no_grad()
    def start_affine(self, matrix: Float[Tensor, "rgb=3 c"], offset: float, gain: float) -> None:
        """Re-initialises the MLP to return  gain * (matrix @ features + offset).

        GELU(x) - GELU(-x) = x, so a pair of units passes one value through a layer unchanged: the first six units of every
        hidden layer are for RGB; at first no other unit has a part in the result.

        Raises:
            ValueError: a hidden layer has fewer than 6 units.
        """
        linears = [layer for layer in self.mlp if isinstance(layer, nn.Linear)]
        if any(layer.out_features < 6 for layer in linears[:-1]):
            raise ValueError("this initialisation needs at least 6 units in every hidden layer of the color MLP.")
        to_rgb = matrix  # RGB from what the next layer is fed
        for layer in linears[:-1]:
            layer.weight[0:6:2], layer.weight[1:6:2] = to_rgb, -to_rgb
            layer.bias[:6] = 0
            to_rgb = torch.zeros(3, layer.out_features)
            for channel in range(3):
                to_rgb[channel, 2 * channel], to_rgb[channel, 2 * channel + 1] = 1, -1
        linears[-1].weight.copy_(gain * to_rgb)
        linears[-1].bias.fill_(gain * offset)
