"""An image that is decoded from a feature map of the output's size, which is made anew for every size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from splatsr.decoders.feature_grid import FeatureGrid
from splatsr.decoders.implicit_image import CHUNK, ImplicitImage
from splatsr.geometry import Output, Scale, Strip, nearest_pixel, resolve_output
from splatsr.image.tiling import Span


@dataclass(frozen=True, eq=False)
class FeatureRows:
    """Some rows of a feature map, looked up by point with the 3x3 pixels around it; zeros beyond the map's border.

    Attributes:
        grid: those rows, one row and column more on every side.
        size: (H, W) of the whole map.
        top: the map's row that comes first, without that margin.
    """

    grid: FeatureGrid
    size: tuple[int, int]
    top: int

    @classmethod
    def of(cls, features: Float[Tensor, "b c height width"], size: tuple[int, int], rows: Span) -> "FeatureRows":
        """Rows [top, bottom) of a map, from `features`: rows `with_margin(rows)`."""
        # The margin is there already, except beyond the map's border, where it is zero.
        above, below = int(rows[0] == 0), int(rows[1] == size[0])
        return cls(FeatureGrid.of(pad(features, (1, 1, above, below))), size, rows[0])

    @staticmethod
    def with_margin(rows: Span, height: int) -> Span:
        """The rows and their neighbours, within a map of that height."""
        return max(rows[0] - 1, 0), min(rows[1] + 1, height)

    def around(self, coordinates: Float[Tensor, "b q yx=2"]) -> Float[Tensor, "b q nine_c"]:
        """The neighbourhood of the pixel that each point of [-1, 1]^2 lies in: nine pixels row by row, each with all
        channels."""
        steps = torch.cartesian_prod(*[torch.arange(3, device=coordinates.device)] * 2)  # (0, 0), (0, 1) .. (2, 2)
        # The grid begins one row and column before the map's row `top`: pixel (top, 0) has its upper left neighbour at (0, 0).
        first = nearest_pixel(coordinates, self.size) - steps.new_tensor([self.top, 0])
        return self.grid.at(first[:, :, None] + steps).flatten(2)


@dataclass(frozen=True, eq=False)
class UpsampledImage:
    """A `QueryableImage` that renders in one piece: its map may depend on the whole LR image, or the whole batch.

    Attributes:
        lr: the LR batch, for its size, device and type.
        upsample: (output, rows, images) to rows of the feature map of those images of the batch.
        decode: RGB (B, Q, 3) from (map, coordinates, cell), as in `QueryableImage.query`; every point for itself.
    """

    lr: Float[Tensor, "b 3 h w"]
    upsample: Callable[[Output, Span, slice], Tensor]
    decode: Callable[[FeatureRows, Tensor, Tensor], Tensor]

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the LR image."""
        return (self.lr.shape[-2], self.lr.shape[-1])

    def query(self, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]) -> Float[Tensor, "b q rgb=3"]:
        """RGB, unclamped, at points of [-1, 1]^2; the cell says at which size, see `QueryableImage`."""
        outputs = [self._output(height, width) for height, width in cell.tolist()]
        # One map serves all images of the batch that have the same output size; otherwise every image has its own.
        images = [slice(None)] if len(set(outputs)) == 1 else [slice(k, k + 1) for k in range(len(outputs))]
        parts = [
            self._points(output, (0, output.size[0]), these).query(coordinates[these], cell[these])
            for output, these in zip(outputs, images, strict=False)
        ]
        return torch.cat(parts)

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped."""
        output = resolve_output(self.size, size=size, scale=scale)
        return self._rows(output, (0, output.size[0]))

    def _output(self, cell_height: float, cell_width: float) -> Output:
        size = max(round(2 / cell_height), 1), max(round(2 / cell_width), 1)
        return resolve_output(self.size, size=list(size))

    def _rows(self, output: Output, rows: Span) -> Float[Tensor, "b 3 rows width"]:
        return self._points(output, rows, slice(None)).render_strip(Strip(output, self.size, rows, origin=0))

    def _points(self, output: Output, rows: Span, images: slice) -> ImplicitImage:
        """Those rows of the output as an image that can be decoded at any of their points."""
        features = self.upsample(output, FeatureRows.with_margin(rows, output.size[0]), images)
        return ImplicitImage(self.lr[images], partial(self.decode, FeatureRows.of(features, output.size, rows)))


class UpsampledStripImage(UpsampledImage):
    """The same as a `StripImage`: a row of its map depends on the LR rows around it alone, so rows can be made one by one."""

    def render_strip(self, strip: Strip) -> Float[Tensor, "b 3 rows width"]:
        """Those rows of the output, as `render` makes them."""
        (top, end), width = strip.rows, strip.output.size[1]
        # The map is made for so many rows at a time that it has about sixteen chunks of points.
        count = max(CHUNK[self.lr.device.type] * 16 // (width * len(self.lr)), 1)
        bands = [(first, min(first + count, end)) for first in range(top, end, count)]
        return torch.cat([self._rows(strip.output, band) for band in bands], dim=2)

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped; in bounded memory."""
        output = resolve_output(self.size, size=size, scale=scale)
        return self.render_strip(Strip(output, self.size, (0, output.size[0]), origin=0))
