"""Which values an argument may have, as types: `blocks: Count`. `arguments` checks settings and model files against them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Len, Lt, MinLen

from splatsr.geometry import Number


@dataclass(frozen=True)
class Ordered:
    """Of a list: no value is smaller than the one before it; `strictly`: each is greater."""

    strictly: bool = False

    def holds(self, values: Sequence[Any]) -> bool:
        """Whether it is so."""
        return all(one < other or (one == other and not self.strictly) for one, other in pairwise(values))

    def __str__(self) -> str:
        return "each greater than the one before" if self.strictly else "none smaller than the one before"


@dataclass(frozen=True)
class MayBeInfinite:
    """Of a number: infinity is a value. (Elsewhere it is none; what is not a number never is.)"""


Count = Annotated[int, Ge(1)]
Natural = Annotated[int, Ge(0)]

Width = Annotated[int, Ge(1), Le(65536)]
"""Channels, hidden units, rows of a dictionary: what tensors are made of."""

Depth = Annotated[int, Ge(1), Le(1000)]
"""Layers, blocks, heads of attention."""

Upscale = Literal[1, 2, 3, 4, 6, 8]
"""Grid cells per LR pixel that pixel shuffles can make."""

Side = Annotated[int, Ge(1), Lt(2**31)]
"""Pixels along a side."""

Seed = Annotated[int, Ge(0), Lt(2**32)]

Positive = Annotated[Number, Gt(0)]
PositiveOrInfinite = Annotated[Number, Gt(0), MayBeInfinite()]
NonNegative = Annotated[Number, Ge(0)]
Fraction = Annotated[Number, Ge(0), Le(1)]

BelowOne = Annotated[Number, Ge(0), Lt(1)]
"""Chances of being dropped, decay rates of means: at 1 nothing would be left, or learned."""

ScaleFactor = Annotated[Number, Ge(1), Le(100_000)]
"""Output size over LR size where images are made smaller by it, to train or to measure."""

Widths = Annotated[Sequence[Width], Len(0, 1000)]
"""Of hidden layers; none: there is no hidden layer."""

Depths = Annotated[Sequence[Depth], Len(1, 1000)]
"""Of groups of layers."""

Reach = Annotated[Number, Gt(0), Le(100)]
"""How far a kernel may be from its place, in LR pixels."""

LARGEST_ENTRY = 10_000

Entry = Annotated[Number, Ge(-LARGEST_ENTRY), Le(LARGEST_ENTRY)]
"""Of a kernel's Cholesky row, in pixels: within what float32 can square and multiply."""

Deviation = Annotated[Number, Ge(0), Le(LARGEST_ENTRY)]
"""Of such entries."""

Range = Annotated[Sequence[Number], Len(2, 2), Ordered()]
"""[smallest, largest], equal for a fixed value."""

ImageSize = Annotated[Sequence[Side], Len(2, 2)]
"""[height, width] in pixels."""

OutputSize = Annotated[Sequence[Side | None], Len(2, 2)]
"""[height, width] in pixels, of which one may be null: it follows the other in the image's proportions."""

AtLeastOne = MinLen(1)
"""Of a list: it is not empty."""
