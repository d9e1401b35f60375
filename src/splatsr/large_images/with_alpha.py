"""A picture's colors and alpha, enlarged together."""

from collections.abc import Callable, Iterator

import numpy as np

from splatsr.geometry import Output
from splatsr.image_files.transparent import continued_colors
from splatsr.large_images.renderer import Renderer
from splatsr.resize.levels import Levels
from splatsr.resize.pil import resize_rows


def enlarged_strips(
    renderer: Renderer, colors: Levels, alpha: np.ndarray | None, output: Output, progress: Callable[[float], None]
) -> Iterator[Levels]:
    """Strips of the enlarged picture from top to bottom, with its alpha as the last channel where it has one.

    The model enlarges the colors, continued into what is transparent; alpha goes up by the bicubic rule, which keeps what is
    opaque opaque.

    Args:
        colors: (h, w, 1 or 3), uint8, uint16 or float32 in [0, 1].
        alpha: (h, w), straight, of the same type, or None.
        progress: is told the share that is done.
    """
    if alpha is None:
        yield from renderer.strips(colors, output, progress)
        return
    top = 0
    for strip in renderer.strips(continued_colors(colors, alpha), output, progress):
        bottom = top + len(strip)
        yield np.dstack([strip, resize_rows(alpha, output.size, (top, bottom))])
        top = bottom
