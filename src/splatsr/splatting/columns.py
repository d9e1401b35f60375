"""Which columns of an image lie between two positions, in compiled loops."""

from typing import no_type_check

import numpy as np

from splatsr.simd.compiled import compiled

_F = np.float32


@compiled(inline="always")
@no_type_check
def _ceiling(value):
    """The next whole number of one that is not negative. (A call of a library's function would not be vector code.)"""
    whole = np.int64(value)
    return whole + (_F(whole) < value)


@compiled(inline="always")
@no_type_check
def columns_between(left, right, width):
    """[first, end) of the columns whose centres lie in [left, right], clipped to the image; or one more."""
    first = min(max(left - _F(0.5), _F(0)), _F(width))  # on both sides: a kernel's edge may be 10^15 pixels away
    end = max(min(right - _F(0.5), _F(width - 1)), _F(-1))
    return _ceiling(first), np.int64(end) + 1
