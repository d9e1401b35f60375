"""Controllable multi-scale rendering (LMF, section 3.4): beyond x4, what is easy is decoded at lower scales and interpolated.

How strongly an LR pixel's features modulate the decoder says how hard it is. From the lowest scale to the output's, a level
decodes the points whose strength lies in its range, over the bilinear enlargement of the level before. The published code takes
one image only, and fails where the last level has nothing to decode, or the scale is not a whole number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from splatsr.decoders.bilinear_skip import bilinear
from splatsr.decoders.feature_grid import FeatureGrid
from splatsr.decoders.implicit_image import ImplicitImage, centres_in_chunks
from splatsr.geometry import Number, nearest_pixel, pixel_centres
from splatsr.image.tiling import Span

Table = Sequence[Sequence[Number]]
"""[scale, threshold] of every level, the last scale being that of the output which the table is for."""

_FROM = 4
"""Scales up to this one are decoded at every pixel."""


class Level(NamedTuple):
    """An image that is decoded at points of strength `low` to `high`, of everything above where it is the last."""

    size: tuple[int, int]
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class MultiScaleImage(ImplicitImage):
    """An `ImplicitImage` that renders by levels beyond x4. Points that are asked for are decoded as ever.

    Attributes:
        tables: ordered by their last scale; the first that reaches the output's scale is taken, or the last one.
        strengths: of every LR pixel of every image, for an output's cell.
        decode_one: RGB (1, Q, 3) of the image of that index at coordinates (1, Q, yx), from (index, coordinates, the output's
            cell, the level's cell), both (1, yx).
    """

    tables: Sequence[Table] = ()
    strengths: Callable[[Tensor], FeatureGrid] = field(kw_only=True)
    decode_one: Callable[[int, Tensor, Tensor, Tensor], Tensor] = field(kw_only=True)
    _known: dict[tuple[int, int], list[Tensor]] = field(default_factory=dict, repr=False)

    def _rows(self, size: tuple[int, int], rows: Span) -> Float[Tensor, "b 3 rows width"]:
        (h, w), (height, width) = self.size, size
        if height * width <= _FROM**2 * h * w:
            return super()._rows(size, rows)
        levels = levels_for(self.tables, self.size, size)
        if size not in self._known:
            self._known.clear()  # of one size at a time: strips of an output come one after the other
            self._known[size] = [self._before_last(image, levels, size) for image in range(len(self.lr))]
        return torch.cat([self._last(image, levels, size, rows) for image in range(len(self.lr))])

    def _before_last(self, image: int, levels: list[Level], size: tuple[int, int]) -> Float[Tensor, "1 3 _ _"]:
        """All levels that are smaller than the output."""
        known = self.lr[image : image + 1]
        for index, level in enumerate(levels):
            if level.size != size:
                known = self._level(image, known, levels, index, size, (0, level.size[0]))
        return known

    def _last(self, image: int, levels: list[Level], size: tuple[int, int], rows: Span) -> Float[Tensor, "1 3 rows width"]:
        known = self._known[size][image]
        if levels[-1].size == size and self._any(image, levels, len(levels) - 1, size):
            return self._level(image, known, levels, len(levels) - 1, size, rows)
        parts = [bilinear(known, points) for points in centres_in_chunks(size, rows, self._chunk(), self.lr)]
        return torch.cat(parts, 1).mT.reshape(1, 3, rows[1] - rows[0], size[1])

    def _level(
        self, image: int, known: Float[Tensor, "1 3 _ _"], levels: list[Level], index: int, size: tuple[int, int], rows: Span
    ) -> Float[Tensor, "1 3 rows width"]:
        """Rows of a level over the enlargement of what is known; what is known where there is nothing to decode."""
        if not self._any(image, levels, index, size):
            return known
        its, parts = levels[index], []
        cell, own = (self.lr.new_tensor([[2 / sides[0], 2 / sides[1]]]) for sides in (size, its.size))
        strength = self._strength(image, size)
        corners = torch.tensor([[0, 0], [self.size[0] - 1, self.size[1] - 1]], device=self.lr.device)
        first, last = pixel_centres(corners, self.size).to(self.lr.dtype)
        for centres in centres_in_chunks(its.size, rows, self._chunk(), self.lr):
            points = torch.minimum(torch.maximum(centres, first), last)  # never beyond the LR pixels' centres
            rgb = bilinear(known, points)
            found = strength.at(nearest_pixel(points, self.size))[0, :, 0]
            selected = _selected(found, levels, index)
            if selected.any():
                rgb[:, selected] = self.decode_one(image, points[:, selected], cell, own).to(rgb.dtype)
            parts.append(rgb)
        return torch.cat(parts, 1).mT.reshape(1, 3, rows[1] - rows[0], its.size[1])

    def _any(self, image: int, levels: list[Level], index: int, size: tuple[int, int]) -> bool:
        """Whether a level has something to decode: levels are no smaller than the LR image, so each of its pixels counts."""
        return bool(_selected(self._strength(image, size).rows[:, 0], levels, index).any())

    def _strength(self, image: int, size: tuple[int, int]) -> FeatureGrid:
        cell = self.lr.new_tensor([2 / size[0], 2 / size[1]]).expand(len(self.lr), 2)
        return self.strengths(cell).of_image(image)


def levels_for(tables: Sequence[Table], lr_size: tuple[int, int], size: tuple[int, int]) -> list[Level]:
    """The levels of an output, from the lowest scale to the highest."""
    scale = (size[0] * size[1] / (lr_size[0] * lr_size[1])) ** 0.5
    table = next((one for one in tables if one[-1][0] >= scale), tables[-1])
    levels, low = [], 0.0
    for decoded_at, high in table:
        if decoded_at < scale:
            if decoded_at >= 1:
                levels.append(Level((int(lr_size[0] * decoded_at), int(lr_size[1] * decoded_at)), low, float(high)))
            low = float(high)
    return levels if low >= 1 else [*levels, Level(size, low, 1.0)]


def _selected(strength: Float[Tensor, " n"], levels: list[Level], index: int) -> Bool[Tensor, " n"]:
    level = levels[index]
    if index == len(levels) - 1:
        return strength >= level.low
    if index == 0:
        return strength <= level.high
    return (strength - (level.low + level.high) / 2).abs() <= (level.high - level.low) / 2
