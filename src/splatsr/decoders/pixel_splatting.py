"""GaussianSR's splat put right: every LR pixel has its own Gaussian, as the paper writes it, in a continuous field.

Kernels sit at their pixels' centres, are measured in LR pixels (so they grow with the output), and are not cut at any border.
There are no tiles, nothing is averaged over the image or the batch, and nothing is clamped. The sum is the suite's own splat.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.bounds import Positive
from splatsr.decoders.splatting import Splatting
from splatsr.geometry import Output, Strip, cell_corners
from splatsr.image.border import continued
from splatsr.image.field import GaussianField
from splatsr.image.tiling import Span

MARGIN = 3
"""LR pixels beyond the border that have kernels too: without them there would be less of every feature at the border."""


class PixelSplatting(Splatting):
    """Features and Gaussians on the LR grid to features at the output's pixels.

    Args:
        unit: LR pixels per unit of the bank's sigma.
    """

    local = True

    def __init__(self, *, unit: Positive) -> None:
        super().__init__()
        if unit <= 0:
            raise ValueError(f"unit must be greater than 0 LR pixels, got {unit}.")
        self.unit = unit

    def prepare(self, gaussians: Float[Tensor, "b parameters=4 h w"]) -> Float[Tensor, "b parameters=4 h w"]:
        """The Gaussians as they are."""
        return gaussians

    def forward(
        self, features: Float[Tensor, "b c h w"], prepared: Float[Tensor, "b parameters=4 h w"], output: Output, rows: Span
    ) -> Float[Tensor, "b c rows width"]:
        """Rows of the splat."""
        size = (features.shape[-2], features.shape[-1])
        field = self.field(features, prepared)
        return field.render_strip(Strip(output, size, rows, origin=0))

    def field(self, features: Float[Tensor, "b c h w"], prepared: Float[Tensor, "b parameters=4 h w"]) -> GaussianField:
        """One kernel per LR pixel, row by row, and in a margin of mirrored ones; its peak is opacity times features."""
        features, prepared = (continued(part.float(), MARGIN) for part in (features, prepared))  # fast renderers want float
        sigma_v, sigma_h, opacity, rho = prepared.flatten(2).unbind(1)
        l22 = sigma_v * (1 - rho.square()).sqrt()
        cholesky = self.unit * torch.stack([sigma_h, rho * sigma_v, l22], dim=-1)
        colors = (features.flatten(2) * opacity[:, None]).transpose(1, 2).contiguous()
        size = (features.shape[-2], features.shape[-1])
        means = (cell_corners(*size, 1).to(features) + 0.5).expand(len(features), -1, -1).contiguous()
        return GaussianField(means, cholesky, colors, size, reference_scale=0).framed(MARGIN)
