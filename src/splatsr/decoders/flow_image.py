"""An image whose difference from the bilinear LR image is drawn from a conditional flow: LINF's.

The flow draws tiles of p x p output pixels. Latents of 0 give the image in the middle; scaled normal ones, temperature above 0,
give samples of what the picture may have been. The same flow says how likely a picture is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import interpolate, pad

from splatsr.bounds import NonNegative, Seed
from splatsr.decoders.bilinear_skip import bilinear
from splatsr.decoders.conditional_flow import ConditionalFlow
from splatsr.decoders.implicit_image import CHUNK, ImplicitImage
from splatsr.decoders.normalised_rgb import to_normalised
from splatsr.decoders.tile_noise import tile_noise
from splatsr.geometry import Scale, Strip, nearest_pixel, pixel_centres, resolve_output

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class FlowImage:
    """A `StripImage`, `QueryableImage` and `LikelihoodImage`. Differences are of RGB in [-1, 1], as the networks see it.

    Attributes:
        lr: the LR batch in [0, 1].
        condition: the flow's conditions (B, Q, c) at `coordinates` (B, Q, yx) for a `cell` (B, yx), as in
            `QueryableImage.query`.
        flow: of vectors of 3 p^2 differences: colors, then rows of the tile, then columns.
        tile: p, an odd number of output pixels.
        temperature: deviation of the latents; 0: none is drawn.
        seed: of the latents. With it every output size has one sample, in whatever pieces it is made.
        continued: tiles whose centre lies beyond the border are decoded there; else at the middle of the image, as published.
    """

    lr: Float[Tensor, "b 3 h w"]
    condition: Callable[[Tensor, Tensor], Tensor]
    flow: ConditionalFlow
    tile: int
    temperature: NonNegative
    seed: Seed
    continued: bool

    @property
    def size(self) -> Size:
        """(h, w) of the LR image."""
        return (self.lr.shape[-2], self.lr.shape[-1])

    def sample(self, *, temperature: NonNegative, seed: Seed) -> "FlowImage":
        """The same picture drawn at another temperature, or with another seed."""
        return replace(self, temperature=temperature, seed=seed)

    def query(self, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]) -> Float[Tensor, "b q rgb=3"]:
        """RGB, unclamped, at points of [-1, 1]^2, see `QueryableImage`. In tiles of several pixels, and in samples, a point
        has the color of the output's pixel that it lies in."""
        if self.tile == 1 and not self.temperature:
            return self._between(coordinates, cell)
        sizes = [(max(round(2 / height), 1), max(round(2 / width), 1)) for height, width in cell.tolist()]
        pixels = [nearest_pixel(points, size) for points, size in zip(coordinates, sizes, strict=True)]
        known = [(one // self.tile).unique(dim=0, return_inverse=True) for one in pixels]  # every tile is decoded once
        count = max(len(tiles) for tiles, _ in known)
        padded = [torch.cat([tiles, tiles[:1].expand(count - len(tiles), -1)]) for tiles, _ in known]
        latents = torch.stack([self._latents(tiles, size) for tiles, size in zip(padded, sizes, strict=True)])
        centres = torch.stack([self._centres(tiles, size) for tiles, size in zip(padded, sizes, strict=True)])
        within = torch.stack(pixels) % self.tile
        index = torch.stack([index for _, index in known])
        colors = self._differences(latents, centres, cell).unflatten(-1, (3, self.tile, self.tile))
        images = torch.arange(len(self.lr), device=self.lr.device)[:, None]
        chosen = colors[images, index, :, within[..., 0], within[..., 1]]
        places = [pixel_centres(one, size).to(self.lr.dtype) for one, size in zip(pixels, sizes, strict=True)]
        return bilinear(self.lr, torch.stack(places)) + chosen / 2

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped."""
        output = resolve_output(self.size, size=size, scale=scale)
        return self.render_strip(Strip(output, self.size, (0, output.size[0]), origin=0))

    def render_strip(self, strip: Strip) -> Float[Tensor, "b 3 rows width"]:
        """Those rows of the output, as `render` makes them."""
        return self._rows(strip, lambda tiles: self._latents(tiles, strip.output.size).expand(len(self.lr), -1, -1))

    def render_latents(
        self, latents: Float[Tensor, "b tile_rows tile_columns values"], size: Sequence[int]
    ) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped, of an output of (H, W) pixels that these latents stand for, one for each tile; more are left out."""
        output = resolve_output(self.size, size=size)
        strip = Strip(output, self.size, (0, output.size[0]), origin=0)
        return self._rows(strip, lambda tiles: latents[:, tiles[:, 0], tiles[:, 1]])

    def log_density(
        self, differences: Float[Tensor, "b q values"], coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]
    ) -> Float[Tensor, "b q"]:
        """Log-density in nats of the tiles around these points, if their differences were these."""
        return self.flow.log_density(differences, self.condition(coordinates, cell))

    def log_likelihood(
        self, hr: Sequence[Float[Tensor, "3 _ _"]] | Float[Tensor, "b 3 _ _"], pixels: Int64[Tensor, "b q row_column=2"]
    ) -> Float[Tensor, "b q"]:
        """Log-density in nats of what is seen in these pixels and the tile around them, beyond the border nothing but the
        bilinear LR image.

        Args:
            hr: a picture in [0, 1] for every image of the batch; they may have different sizes.
            pixels: (row, column) in them.
        """
        differences, coordinates, cells = [], [], []
        for lr, picture, chosen in zip(self.lr, hr, pixels, strict=True):
            size = picture.shape[-2], picture.shape[-1]
            enlarged = interpolate(lr[None], size=size, mode="bilinear", align_corners=False)[0]
            whole = pad(to_normalised(picture) - to_normalised(enlarged), [self.tile // 2] * 4)
            steps = torch.arange(self.tile, device=chosen.device)
            rows, columns = chosen[:, 0, None, None] + steps[:, None], chosen[:, 1, None, None] + steps
            differences.append(whole[:, rows, columns].transpose(0, 1).flatten(1))
            coordinates.append(pixel_centres(chosen, size).to(lr.dtype))
            cells.append(lr.new_tensor([2 / size[0], 2 / size[1]]))
        return self.log_density(torch.stack(differences), torch.stack(coordinates), torch.stack(cells))

    def _between(self, coordinates: Tensor, cell: Tensor) -> Float[Tensor, "b q rgb=3"]:
        """RGB at points that need not be pixels' centres, of latents of 0."""
        latents = coordinates.new_zeros((*coordinates.shape[:2], self.flow.values))
        return bilinear(self.lr, coordinates) + self._differences(latents, coordinates, cell) / 2

    def _differences(self, latents: Tensor, centres: Tensor, cell: Tensor) -> Float[Tensor, "b n values"]:
        """Of tiles around these points, some at a time."""
        count = max(1, CHUNK[self.lr.device.type] // len(self.lr))
        some = zip(latents.split(count, 1), centres.split(count, 1), strict=True)
        return torch.cat([self.flow.inverse(z, self.condition(points, cell)) for z, points in some], 1).to(self.lr.dtype)

    def _latents(self, tiles: Int64[Tensor, "n row_column=2"], size: Size) -> Float[Tensor, "n values"]:
        """Those of an output's tiles, the same for every image of the batch."""
        if not self.temperature:
            return self.lr.new_zeros((len(tiles), self.flow.values))
        noise = tile_noise(self.seed, tiles, -(-size[1] // self.tile), self.flow.values)
        return self.temperature * noise.to(self.lr.dtype)

    def _centres(self, tiles: Int64[Tensor, "n row_column=2"], size: Size) -> Float[Tensor, "n yx=2"]:
        pixels = tiles * self.tile + self.tile // 2
        centres = pixel_centres(pixels, size).to(self.lr.dtype)
        beyond = (pixels >= pixels.new_tensor(size)).any(-1, keepdim=True)
        return centres if self.continued else centres.masked_fill(beyond, 0)

    def _rows(self, strip: Strip, latents: Callable[[Tensor], Tensor]) -> Float[Tensor, "b 3 rows width"]:
        """Rows of the output; `latents` are (B, n, values) of tiles (n, row and column)."""
        (top, end), (height, width) = strip.rows, strip.output.size
        first, last, columns = top // self.tile, -(-end // self.tile), -(-width // self.tile)
        device = self.lr.device
        tiles = torch.cartesian_prod(torch.arange(first, last, device=device), torch.arange(columns, device=device))
        cell = self.lr.new_tensor([2 / height, 2 / width]).expand(len(self.lr), 2)
        centres = self._centres(tiles, strip.output.size).expand(len(self.lr), -1, -1)
        vectors = self._differences(latents(tiles), centres, cell)
        colors = vectors.unflatten(-1, (3, self.tile, self.tile)).unflatten(1, (last - first, columns))
        folded = colors.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)
        rows = folded[:, :, top - first * self.tile : end - first * self.tile, :width]
        skip = ImplicitImage(self.lr, lambda points, _: bilinear(self.lr, points))
        return skip.render_strip(strip) + rows / 2
