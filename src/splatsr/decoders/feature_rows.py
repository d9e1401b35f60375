"""A feature map at another size than the LR image's, made of it some rows at a time."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample, pad

from splatsr.geometry import pixel_centres
from splatsr.image.tiling import Span


@dataclass(frozen=True, eq=False)
class FeatureSource:
    """A map of `size`, bilinear between the centres of LR pixels; features fade to zero at the LR image's border.

    Attributes:
        features: on the LR grid; the map itself where `size` is theirs.
        size: (H, W).
    """

    features: Float[Tensor, "b c h w"]
    size: tuple[int, int]

    @property
    def batch(self) -> int:
        """Number of images."""
        return len(self.features)

    def rows(self, rows: Span) -> Float[Tensor, "b c rows width"]:
        """Rows [top, bottom); those beyond the map's border are zero."""
        within = max(rows[0], 0), min(rows[1], self.size[0])
        if self.size == self.features.shape[-2:]:
            made = self.features[:, :, slice(*within)]
        else:
            device = self.features.device
            pixels = torch.cartesian_prod(torch.arange(*within, device=device), torch.arange(self.size[1], device=device))
            points = pixel_centres(pixels, self.size).to(self.features.dtype).flip(-1)  # grid_sample wants (x, y)
            grid = points.view(1, within[1] - within[0], self.size[1], 2).expand(self.batch, -1, -1, -1)
            made = grid_sample(self.features, grid, align_corners=False)
        return pad(made, (0, 0, within[0] - rows[0], rows[1] - within[1]))
