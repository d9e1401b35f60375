"""The size of an output pixel, as networks are told of it."""

from jaxtyping import Float
from torch import Tensor

from splatsr.geometry import Number


def clipped_cell(cell: Float[Tensor, "b yx=2"], size: tuple[int, int], largest_scale: Number) -> Float[Tensor, "b yx=2"]:
    """The cell in half LR pixels, 2 / scale, as if the scale were at most `largest_scale`, that of a training."""
    return (cell * cell.new_tensor(size)).clamp(min=2 / largest_scale)
