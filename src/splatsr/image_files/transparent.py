"""Colors where a picture is transparent: what lies there is never seen, but enlarging mixes it into what is seen."""

import numpy as np
from jaxtyping import Float32


def continued_colors(colors: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The colors, continued from opaque pixels into transparent ones, so that no edge shows another color when enlarged.

    Colors are averaged with their alpha as weights (premultiplied), over squares of 2, 4, 8, ... pixels; what a pixel lacks of
    alpha is filled from the smallest square that has some. Opaque pixels keep their color, an image that is transparent
    everywhere keeps all.

    Args:
        colors: (h, w, channels), straight, uint8, uint16 or float32 in [0, 1].
        alpha: (h, w), of the same type.
    """
    top = 1 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max
    if not (alpha < top).any() or not alpha.any():
        return colors
    weight = alpha.astype(np.float32)[..., None] / top
    filled = _filled(colors.astype(np.float32) * weight, weight)
    levels = filled if alpha.dtype.kind == "f" else np.rint(filled)
    return np.where(weight == 1, colors, levels.clip(0, top)).astype(colors.dtype)


def _filled(premultiplied: Float32[np.ndarray, "h w c"], weight: Float32[np.ndarray, "h w 1"]) -> Float32[np.ndarray, "h w c"]:
    """Each pixel's own premultiplied color, and behind it that of the next larger square."""
    height, width = weight.shape[:2]
    if height == width == 1 or (weight == 1).all():
        return premultiplied / weight
    halves, total = _halved(premultiplied), _halved(weight)
    coarse = _filled(halves / np.maximum(total, 1), total / np.maximum(total, 1))  # a square with enough is opaque
    behind = np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[:height, :width]
    return premultiplied + (1 - weight) * behind


def _halved(values: Float32[np.ndarray, "h w c"]) -> Float32[np.ndarray, "h2 w2 c"]:
    """Sums over squares of 2 x 2 pixels; beyond the border there is nothing."""
    height, width, channels = values.shape
    even = np.pad(values, ((0, height % 2), (0, width % 2), (0, 0)))
    return even.reshape(-(-height // 2), 2, -(-width // 2), 2, channels).sum((1, 3))
