"""GaussianSR's splat as its authors publish it: by tiles of 7 x 7 LR pixels, with one table of 49 Gaussians for all of them.

The Gaussians of all tiles and all images of a batch are averaged, position by position in the tile. The splat is then one
linear map from a tile's 49 values to its pixels in the output, the same for every tile, image and channel, and is done as such.
(The published code copies the 49 kernels to every tile and channel.)

Faithful though strange: the LR grid is stretched to whole tiles, the output is stretched back; a kernel covers 5 x 5 output
pixels at any scale, lies half an LR pixel too far up and left, and ends at its tile's border; what is splatted is clamped
although it is features. See docs/gaussiansr.md.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, pad

from splatsr.bounds import Positive, Side
from splatsr.decoders.bicubic_rows import bicubic
from splatsr.decoders.splatting import Splatting
from splatsr.errors import InputError
from splatsr.geometry import Output
from splatsr.image.tiling import Span

_RIDGE = 1e-5
"""Added to both variances."""


class TileSplatting(Splatting):
    """Features and Gaussians on the LR grid to features at the output's pixels.

    Args:
        tile: side of a tile, LR pixels (published: 7).
        kernel: side of a kernel, output pixels, odd (published: 5).
        extent: where a kernel's outermost pixels are, in the unit of its sigma (published: 5).
        clamp: to [0, 1], as published; gradients vanish outside.
    """

    local = False

    def __init__(self, *, tile: Side, kernel: Side, extent: Positive, clamp: bool) -> None:
        super().__init__()
        if kernel % 2 == 0 or min(kernel, tile) < 1:
            raise ValueError(f"kernel must be odd, kernel and tile at least 1; got {kernel} and {tile}.")
        self.tile, self.kernel, self.extent, self.clamp = tile, kernel, extent, clamp

    def prepare(self, gaussians: Float[Tensor, "b parameters=4 h w"]) -> Float[Tensor, "b parameters=4 tile tile"]:
        """The mean Gaussians, once per image: all the same."""
        tiles = self._by_tile(gaussians)
        return tiles.mean((0, 2, 4)).expand(len(gaussians), -1, -1, -1)

    def forward(
        self,
        features: Float[Tensor, "b c h w"],
        prepared: Float[Tensor, "b parameters=4 tile tile"],
        output: Output,
        rows: Span,
    ) -> Float[Tensor, "b c rows width"]:
        """Rows of the splat. All of it is made for them."""
        gaussians = prepared[0]
        down, across = (round(self.tile * factor) for factor in output.scale)  # sides of a tile in the output
        # A kernel's peak is the opacity times the features of its LR pixel.
        weighted = self._by_tile(features) * gaussians[2][:, None]
        weighted = weighted.transpose(3, 4).flatten(4)  # (b, c, tall, wide, tile * tile)
        # Every tile of the output is the same linear map of its tile's 49 peaks.
        tiles = weighted @ self.kernels(gaussians, (down, across)).flatten(1)
        if self.clamp:
            tiles = tiles.clamp(0, 1)
        # (b, c, tall, wide, down * across) -> (b, c, tall * down, wide * across)
        whole = tiles.unflatten(-1, (down, across)).transpose(3, 4).flatten(4, 5).flatten(2, 3)
        # Whole tiles make a larger output than is wanted: it is squeezed back.
        return bicubic(whole, output.size)[:, :, slice(*rows)]

    def _by_tile(self, grid: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c tall tile wide tile"]:
        """The grid, stretched to whole tiles, (B, C, tile row, row in it, tile column, column in it)."""
        down, across = (-(-side // self.tile) for side in grid.shape[-2:])
        stretched = bicubic(grid, (down * self.tile, across * self.tile))
        return stretched.unflatten(3, (across, self.tile)).unflatten(2, (down, self.tile))

    def kernels(
        self, gaussians: Float[Tensor, "parameters=4 tile tile"], sides: tuple[int, int]
    ) -> Float[Tensor, "tile*tile {sides[0]} {sides[1]}"]:
        """What each LR pixel of a tile, row by row, adds to a tile of the output with these sides (H, W); peak 1.

        Raises:
            InputError: the tile is smaller than a kernel.
        """
        if min(sides) < self.kernel:
            raise InputError(
                f"GaussianSR splats kernels of {self.kernel} output pixels into tiles of {self.tile} LR pixels: the scale must "
                f"be at least {self.kernel / self.tile:.2f} along both axes."
            )
        sigma_v, sigma_h, _, rho = gaussians.flatten(1)[..., None, None].unbind()
        # A kernel is sampled at `kernel` points along either axis, from -extent to extent in the unit of its sigma.
        points = torch.linspace(-self.extent, self.extent, self.kernel, device=rho.device, dtype=rho.dtype)
        # The Cholesky factor of the covariance (vertical first), with the ridge on its diagonal.
        l11 = (sigma_v.square() + _RIDGE).sqrt()
        l21 = rho * sigma_v * sigma_h / l11
        l22 = (sigma_h.square() + _RIDGE - l21.square()).sqrt()  # NaN where |rho| is over 1, as published
        # exp(-(u^2 + t^2) / 2), where (u, t) solves L (u, t)^T = (vertical, horizontal point).
        u = points[:, None] / l11
        kernels = (-0.5 * (u.square() + ((points - l21 * u) / l22).square())).exp()
        # Zeros around every kernel, so that it sits in the middle of a tile (half a pixel before it where the side is even).
        before = [(side - self.kernel) // 2 for side in sides]
        after = [side - self.kernel - left for side, left in zip(sides, before, strict=True)]
        centred = pad(kernels[:, None], (before[1], after[1], before[0], after[0]))
        return self._translated(centred)[:, 0]

    def _translated(self, centred: Float[Tensor, "n 1 down across"]) -> Float[Tensor, "n 1 down across"]:
        """Every kernel moved from the tile's centre to its LR pixel's position in the tile, by the published rule."""
        # In units of [-1, 1] across the tile: LR pixel i of 7 goes to -1 + 2 i / 7, so the first sits on the tile's border.
        shifts = 1 - 2 * torch.arange(self.tile, device=centred.device, dtype=centred.dtype) / self.tile
        vertical, horizontal = torch.meshgrid(shifts, shifts, indexing="ij")
        # One affine map for every kernel: the identity and a shift, which says where to read, hence the opposite sign.
        theta = torch.eye(2, 3, device=centred.device, dtype=centred.dtype).repeat(len(centred), 1, 1)
        theta[:, 0, 2], theta[:, 1, 2] = horizontal.flatten(), vertical.flatten()
        # Read there, bilinearly; what lies outside the tile is lost.
        grid = affine_grid(theta, list(centred.shape), align_corners=True)
        return grid_sample(centred, grid, mode="bilinear", padding_mode="zeros", align_corners=True)
