"""A window of a field: a rectangle of the LR image that renders as an image of its own, at the cost of what is in it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.errors import InputError
from splatsr.geometry import Number, Scale, check_scale, resolve_output
from splatsr.splatting.footprint import KAPPA
from splatsr.splatting.reference import CUT

if TYPE_CHECKING:
    from splatsr.image.field import GaussianField

Interval = tuple[Number, Number]
"""[first, end) in LR pixels; fractions are allowed."""


def check_window(rows: Interval, columns: Interval, size: tuple[int, int]) -> None:
    """InputError unless they are a rectangle, which is not empty, in an LR image of this size."""
    for name, (first, end), side in zip(("rows", "columns"), (rows, columns), size, strict=True):
        if not (math.isfinite(first) and math.isfinite(end) and 0 <= first < end <= side):
            raise InputError(
                f"{name} must be (first, end) in LR pixels, with 0 <= first < end <= {side}; got ({first}, {end})."
            )


@dataclass(frozen=True, eq=False, repr=False)
class FieldWindow:
    """Rows and columns of a field's LR image, in LR pixels, which need not be whole.

    Made by `GaussianField.window`. It renders what `field.render` would show there, from the kernels alone that reach into it.
    """

    field: "GaussianField"
    rows: Interval
    columns: Interval

    def __post_init__(self) -> None:
        check_window(self.rows, self.columns, self.field.size)

    def __repr__(self) -> str:
        return f"FieldWindow(rows={self.rows}, columns={self.columns} of {self.field!r})"

    @property
    def extent(self) -> tuple[Number, Number]:
        """(height, width) in LR pixels."""
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]

    def render(
        self, *, size: Sequence[int] | None = None, scale: Scale | None = None, mode: str = "footprint"
    ) -> Float[Tensor, "b c height width"]:
        """As `GaussianField.render`; a `scale` makes round(extent * scale) pixels, at least 1."""
        if size is None and scale is not None:
            size = [max(round(side * factor), 1) for side, factor in zip(self.extent, check_scale(scale), strict=True)]
        output = resolve_output((1, 1), size=size).size
        ratio = output[0] / self.extent[0], output[1] / self.extent[1]
        return self._near(ratio).render_window(output, ratio, (self.rows[0], self.columns[0]), mode)

    def _near(self, ratio: tuple[float, float]) -> "GaussianField":
        """The kernels that can contribute to a pixel, of any image of the batch."""
        field = self.field
        l11, l21, l22 = field.cholesky.unbind(-1)
        pixels = torch.stack([l11.square() + KAPPA / ratio[1] ** 2, l21.square() + l22.square() + KAPPA / ratio[0] ** 2], -1)
        reach = math.sqrt(2 * CUT) * pixels.sqrt() + 1e-3
        first = field.means.new_tensor([self.columns[0], self.rows[0]])
        end = field.means.new_tensor([self.columns[1], self.rows[1]])
        near = ((field.means + reach >= first) & (field.means - reach <= end)).all(-1).any(0)
        return field.select(near)
