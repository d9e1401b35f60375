"""RGB that a PNG describes by a gamma and primaries (gAMA and cHRM of ISO/IEC 15948), as sRGB (IEC 61966-2-1)."""

from typing import NamedTuple

import numpy as np

_ROWS = 256
"""Rows that are converted at once."""


class Primaries(NamedTuple):
    """Chromaticities (x, y) of white and of the three primaries."""

    white_x: float
    white_y: float
    red_x: float
    red_y: float
    green_x: float
    green_y: float
    blue_x: float
    blue_y: float


SRGB = Primaries(0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""XYZ to the cone responses in which white points are exchanged."""


def is_srgb(gamma: float | None, primaries: Primaries | None) -> bool:
    """Whether values are sRGB's within what writers round: a gamma of 1 / 2.2, primaries to 0.005; None: nothing is said."""
    same_gamma = gamma is None or abs(gamma * 2.2 - 1) < 0.02
    return same_gamma and (primaries is None or bool(np.allclose(primaries, SRGB, rtol=0, atol=0.005)))


def are_possible(primaries: Primaries) -> bool:
    """Whether they are chromaticities, and span a triangle with white in it."""
    x, y = np.array(primaries).reshape(4, 2).T
    if min(y) <= 0 or max(x + y) > 1.2:
        return False
    columns = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    if abs(np.linalg.det(columns[:, 1:])) < 1e-3:
        return False
    return bool(min(np.linalg.solve(columns[:, 1:], columns[:, 0])) > 0)


def to_srgb(values: np.ndarray, gamma: float | None, primaries: Primaries | None) -> np.ndarray:
    """(h, w, 1 or 3), uint8 or uint16, of values that are light to the power of `gamma` (None: as sRGB's), as sRGB."""
    top = np.iinfo(values.dtype).max
    levels = np.arange(top + 1, dtype=np.float64) / top
    light = (_linear(levels) if gamma is None else levels ** (1 / gamma)).astype(np.float32)
    same = primaries is None or values.shape[2] == 1 or np.allclose(primaries, SRGB, rtol=0, atol=0.005)
    matrix = None if same or primaries is None else _to_srgb_primaries(primaries).T.astype(np.float32)
    made = np.empty_like(values)
    for first in range(0, len(values), _ROWS):
        part = light[values[first : first + _ROWS]]
        part = part if matrix is None else part @ matrix
        made[first : first + _ROWS] = np.round(_encoded(part.clip(0, 1)) * top)
    return made


def _linear(encoded: np.ndarray) -> np.ndarray:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _encoded(light: np.ndarray) -> np.ndarray:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _to_srgb_primaries(primaries: Primaries) -> np.ndarray:
    """Linear RGB of these primaries to that of sRGB's; white stays white."""
    source, target = _to_xyz(primaries), _to_xyz(SRGB)
    whites = (_BRADFORD @ target.sum(1)) / (_BRADFORD @ source.sum(1))
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(whites) @ _BRADFORD
    return np.linalg.inv(target) @ adapted @ source


def _to_xyz(primaries: Primaries) -> np.ndarray:
    x, y = np.array(primaries).reshape(4, 2).T
    columns = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    return columns[:, 1:] * np.linalg.solve(columns[:, 1:], columns[:, 0])
