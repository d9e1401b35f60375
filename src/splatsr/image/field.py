"""GaussianField: a batch of images as 2D Gaussian kernels, independent of any scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from splatsr.errors import InputError
from splatsr.geometry import Number, Scale, Strip, resolve_output
from splatsr.image.field_file import FieldContent, read_field, write_field
from splatsr.image.splat_file import is_splat, read_splat, write_splat
from splatsr.image.tiling import Span
from splatsr.image.window import FieldWindow, Interval
from splatsr.splatting import splat
from splatsr.splatting.footprint import REFERENCE_SCALE, check_reference_scale, excess, samples_per_pixel, widen

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MODES = ("footprint", "exact", "tiles", "first256", "supersample")
"""How `GaussianField.render` makes a pixel."""


@dataclass(frozen=True, eq=False, repr=False)
class GaussianField:
    """2D Gaussian kernels in low-resolution pixels (LR pixel k covers [k, k + 1]).

    Attributes:
        means: centres.
        cholesky: entries of L = [[l11, 0], [l21, l22]], Sigma = L L^T; x comes first.
        colors: the kernels' peaks, unbounded; RGB in [0, 1] after summing.
        size: (h, w), the extent of the low-resolution image.
        margin: LR pixels by which the kernels' grid of cells reaches beyond the image on all sides: kernels made for what lies
            beyond the border, which reach into the image. Centres count from the image's corner, not from the grid's.
        reference_scale: the smallest scale whose pixels the kernels were fitted to by point sampling: below it rendering adds
            the footprint of the larger pixels. 0: nowhere; infinity: everywhere, for kernels that were fitted with it.
    """

    means: Float[Tensor, "b n xy=2"]
    cholesky: Float[Tensor, "b n l11_l21_l22=3"]
    colors: Float[Tensor, "b n c"]
    size: tuple[int, int]
    reference_scale: Number = REFERENCE_SCALE
    margin: int = 0

    def __post_init__(self) -> None:
        check_reference_scale(self.reference_scale)

    def __len__(self) -> int:
        """Kernels per image, N."""
        return self.means.shape[1]

    @property
    def kernels_per_row(self) -> float:
        """Kernels by rows of the LR image."""
        return len(self) / self.size[0]

    def __repr__(self) -> str:
        (height, width), beyond = self.size, f", margin {self.margin}" if self.margin else ""
        images = f"{self.means.shape[0]} x " if self.means.shape[0] != 1 else ""
        return f"GaussianField({images}{len(self)} kernels for {width}x{height} LR pixels{beyond}, {self.means.device})"

    def is_finite(self) -> bool:
        """Whether all kernels are, and their covariances: a renderer leaves the others out."""
        return all(bool(part.isfinite().all()) for part in (self.means, self.cholesky.square(), self.colors))

    def render(
        self,
        *,
        size: Sequence[int] | None = None,
        scale: Scale | None = None,
        mode: str = "footprint",
    ) -> Float[Tensor, "b c height width"]:
        """The image at any size, unclamped; differentiable (ContinuousSR section 4.1, equations 3 to 5).

        Give `size` (H, W) or `scale` (one factor, or vertical and horizontal). Centres move by the true ratio (W / w, H / h),
        Cholesky rows by the scale: l11 by s_x, l21 and l22 by s_y, that is Sigma' = S Sigma S with S = diag(s_x, s_y).

        `mode` says what a pixel is. "footprint": below the reference scale the mean over its square (`splatting.footprint`),
        from there on the same as "exact": the value at its centre. "tiles" and "first256": what the published renderer makes
        instead, see `splat`. "supersample": the mean of so many point samples that they reach the reference scale, the truth
        that "footprint" is tested against, at many times its cost.

        Raises:
            InputError: neither or both of size and scale are given, a value is not positive, or the mode is none of `MODES`.
        """
        if mode not in MODES:
            raise InputError(f"mode must be one of {', '.join(MODES)}; got {mode!r}.")
        (height, width), scales = resolve_output(self.size, size=size, scale=scale)
        if mode == "supersample":
            down, across = samples_per_pixel(scales, self.reference_scale)
            means, cholesky = self._at((down * height, across * width), (down * scales[0], across * scales[1]))
            return nn.functional.avg_pool2d(
                splat(means, cholesky, self.colors, (down * height, across * width)), (down, across)
            )
        means, cholesky = self._at((height, width), scales)
        if mode == "footprint":
            cholesky, colors = widen(cholesky, self.colors, excess(scales, self.reference_scale))
            return splat(means, cholesky, colors, (height, width))
        return splat(means, cholesky, self.colors, (height, width), mode)

    def _at(self, size: tuple[int, int], scale: tuple[float, float]) -> tuple[Tensor, Tensor]:
        """(means, Cholesky rows) in pixels of an output of that size and scale."""
        ratio = _beside(self.means, size[1] / self.size[1], size[0] / self.size[0])
        return self.means * ratio, self.cholesky * _beside(self.cholesky, scale[1], scale[0], scale[0])

    def render_window(
        self, size: tuple[int, int], ratio: tuple[float, float], corner: tuple[Number, Number], mode: str
    ) -> Float[Tensor, "b c height width"]:
        """As `render` with `size`, of the rectangle that begins at `corner`, with `ratio` output pixels per LR pixel.

        All three are (vertical, horizontal); the corner is in LR pixels. `window` is the way to it.
        """
        if mode not in ("footprint", "exact"):
            raise InputError(f"mode of a window must be footprint or exact; got {mode!r}.")
        means = (self.means - _beside(self.means, corner[1], corner[0])) * _beside(self.means, ratio[1], ratio[0])
        cholesky, colors = self.cholesky * _beside(self.cholesky, ratio[1], ratio[0], ratio[0]), self.colors
        if mode == "footprint":
            cholesky, colors = widen(cholesky, colors, excess(ratio, self.reference_scale))
        return splat(means, cholesky, colors, size)

    def window(self, rows: Interval, columns: Interval) -> FieldWindow:
        """A rectangle of the LR image, (first, end) in LR pixels, that renders alone: a zoom, without rendering the rest.

        Raises:
            InputError: it is empty, or not within the image.
        """
        return FieldWindow(self, rows, columns)

    def plot(self, *, kernels: bool = True) -> "Figure":
        """A matplotlib figure: the first image of the batch and its kernels' ellipses. `.savefig("field.png")` keeps it."""
        from splatsr.image.plot import plot_field  # matplotlib takes a second

        return plot_field(self, kernels=kernels)

    def select(self, which: Bool[Tensor, "*n"]) -> "GaussianField":
        """Some of the kernels, for rendering alone: they are no grid any more."""
        return self._each(lambda part: part[:, which])

    def first(self) -> "GaussianField":
        """Of the first image of the batch alone."""
        return self._each(lambda part: part[:1])

    def render_strip(self, strip: Strip) -> Float[Tensor, "b c rows width"]:
        """Rows of what the field renders to, or of what a larger field does of which this one holds rows: see `Strip`.

        Bitwise the rows of `render`, if this is the whole field. Coordinates are counted from the strip's first row, where
        float32 is finest.
        """
        (ratio_y, ratio_x), (scale_y, scale_x), (top, bottom) = strip.ratio, strip.output.scale, strip.rows
        ratio = _beside(self.means, ratio_x, ratio_y)
        shift = _beside(self.means, strip.left * ratio_x, strip.origin * ratio_y - top)
        stretch = _beside(self.cholesky, scale_x, scale_y, scale_y)
        cholesky, colors = widen(self.cholesky * stretch, self.colors, excess(strip.output.scale, self.reference_scale))
        return splat(self.means * ratio + shift, cholesky, colors, (bottom - top, strip.output.size[1]))

    def crop(self, *, rows: Span, columns: Span) -> "GaussianField":
        """The field of a rectangle of the LR image: the kernels made for its pixels, wherever they have drifted to; no margin.

        For fields whose kernels run row by row over a grid of cells (k x k of them per LR pixel), as those of the models.
        A copy: the rest of the field may be forgotten.

        Raises:
            ValueError: the rectangle is empty or not within the image, or the kernels are not k x k per LR pixel.
        """
        (top, bottom), (left, right) = rows, columns
        if not (0 <= top < bottom <= self.size[0] and 0 <= left < right <= self.size[1]):
            raise ValueError(f"rows {rows}, columns {columns} are no rectangle in an image of size {self.size}.")
        per_side, (height, width), margin = self._per_side(), self._grid, self.margin

        def cut(part: Tensor) -> Tensor:
            grid = part.unflatten(1, (per_side * height, per_side * width))
            down, across = (slice(per_side * (a + margin), per_side * (b + margin)) for a, b in (rows, columns))
            return grid[:, down, across].clone(memory_format=torch.contiguous_format).flatten(1, 2)

        return replace(self._each(cut)._moved(-left, -top), size=(bottom - top, right - left), margin=0)

    def framed(self, margin: int) -> "GaussianField":
        """The same kernels as the field of the image without its outermost `margin` LR pixels, which become the margin."""
        if not margin:
            return self
        height, width = self.size
        return replace(self._moved(-margin, -margin), size=(height - 2 * margin, width - 2 * margin), margin=margin)

    @staticmethod
    def join(tiles: "Sequence[Sequence[GaussianField]]") -> "GaussianField":
        """One field of tiles that lie in rows: the inverse of `crop`, kernels row by row over the grid of all cells.

        Raises:
            ValueError: tiles of a row differ in height, rows in width, tiles in kernels per LR pixel, or they have margins.
        """
        heights = [row[0].size[0] for row in tiles]
        widths = [sum(tile.size[1] for tile in row) for row in tiles]
        densities = {tile._per_side() for row in tiles for tile in row}
        even = all(tile.size[0] == height for row, height in zip(tiles, heights, strict=True) for tile in row)
        if not even or len(set(widths)) != 1 or len(densities) != 1 or any(tile.margin for row in tiles for tile in row):
            sizes = [[tile.size for tile in row] for row in tiles]
            raise ValueError(f"tiles of sizes {sizes} and {densities} kernels per LR pixel's side do not make a rectangle.")
        per_side = densities.pop()

        def assemble(name: str) -> Tensor:
            bands = []
            for row in moved:
                grids = [getattr(tile, name).unflatten(1, (per_side * tile.size[0], per_side * tile.size[1])) for tile in row]
                bands.append(_cat(grids, dim=2).flatten(1, 2))
            return _cat(bands, dim=1)

        moved = []
        for top, row in zip(_starts(heights), tiles, strict=True):
            lefts = _starts([tile.size[1] for tile in row])
            moved.append([tile._moved(left, top) for left, tile in zip(lefts, row, strict=True)])
        return replace(
            tiles[0][0],
            means=assemble("means"),
            cholesky=assemble("cholesky"),
            colors=assemble("colors"),
            size=(sum(heights), widths[0]),
        )

    @property
    def _grid(self) -> tuple[int, int]:
        """(rows, columns) of LR pixels that the kernels were made for."""
        return self.size[0] + 2 * self.margin, self.size[1] + 2 * self.margin

    def _per_side(self) -> int:
        height, width = self._grid
        per_side = math.isqrt(len(self) // (height * width))
        if per_side < 1 or per_side**2 * height * width != len(self):
            raise ValueError(f"{len(self)} kernels on {height}x{width} LR pixels are no grid of k x k cells per pixel.")
        return per_side

    def _moved(self, x: int, y: int) -> "GaussianField":
        return replace(self, means=self.means + _beside(self.means, x, y)) if x or y else self

    def to(self, device: torch.device | str) -> "GaussianField":
        """The same field on another device."""
        return self._each(lambda part: part.to(device))

    def float(self) -> "GaussianField":
        """In float32: what is rendered."""
        return self._each(Tensor.float)

    def detach(self) -> "GaussianField":
        """The same field, cut from the autograd graph."""
        return self._each(torch.Tensor.detach)

    def _each(self, change) -> "GaussianField":  # noqa: ANN001 - Callable[[Tensor], Tensor]
        return replace(self, means=change(self.means), cholesky=change(self.cholesky), colors=change(self.colors))

    @property
    def content(self) -> FieldContent:
        """What its file holds."""
        return FieldContent(self.means, self.cholesky, self.colors, self.size, self.reference_scale, self.margin)

    def save(self, path: str | Path, *, bits: int | None = None) -> None:
        """Writes a file: a .splat, which is small (docs/field-files.md), or else safetensors, which loses nothing.

        Args:
            path: ends in .splat for such a file.
            bits: of every number in a .splat: 16 (None: the same) is float16, 8 to 15 is so many over its range (for kernels of
                a model 10 take about a third less).

        Raises:
            InputError: the file cannot be written; of a .splat also: there is more than one image, a number is not finite or
                beyond float16, or its range is too large for `bits`.
        """
        if is_splat(path, new=True):
            write_splat(path, self.content, 16 if bits is None else bits)
        elif bits is not None:
            raise InputError(f"{path}: bits are for .splat files; others hold every number as it is.")
        else:
            write_field(path, self.content)

    @classmethod
    def load(cls, path: str | Path) -> "GaussianField":
        """Reads a file that `save` wrote, onto the CPU. Kernels without cells come in the order of a .splat file.

        Raises:
            InputError: the file is missing, damaged, not a field, of a newer version, or too large for memory.
        """
        return cls(**(read_splat(path) if is_splat(path) else read_field(path))._asdict())


def _beside(like: Tensor, *values: Number) -> Tensor:
    """A small tensor beside `like`. Filled there: a copy would make the host wait for a GPU, and forbid a CUDA graph."""
    return torch.stack([like.new_full((), value) for value in values])


def _starts(lengths: Sequence[int]) -> list[int]:
    return [sum(lengths[:index]) for index in range(len(lengths))]


def _cat(parts: list[Tensor], dim: int) -> Tensor:
    """torch.cat, without a copy of a single part."""
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=dim)
