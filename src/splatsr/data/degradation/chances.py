"""How often each of several things happens."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from splatsr.errors import InputError
from splatsr.geometry import Number


def check_chances(chances: Sequence[Number], name: str) -> Float[np.ndarray, " n"]:
    """The chances; InputError unless all are at least 0 and their sum is 1."""
    values = np.array(chances, np.float64)
    if values.min(initial=0) < 0 or abs(values.sum() - 1) > 1e-6:
        raise InputError(f"data.degradation.camera.{name} must be chances that add up to 1; got {list(chances)}.")
    return values / values.sum()
