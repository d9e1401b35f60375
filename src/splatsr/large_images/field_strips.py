"""A field to its output in strips: what `renderer` does of a picture, without a model."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import UInt8

from splatsr.geometry import Output, Strip
from splatsr.image.field import GaussianField
from splatsr.image.field_on_disk import FieldOnDisk, WindowInStrips
from splatsr.large_images.strip_rows import strip_rows
from splatsr.resize.levels import to_uint8


def field_strips(
    image: FieldOnDisk | GaussianField | WindowInStrips, output: Output, progress: Callable[[float], None]
) -> Iterator[UInt8[np.ndarray, "rows width 3"]]:
    """The output from top to bottom, 8-bit RGB; a field of one channel is grey.

    `progress` is called with the share that is rendered. Raises InputError where the file turns out to be damaged.
    """
    for rows in strip_rows(0, output.size):
        with torch.inference_mode():
            values = image.render_strip(Strip(output, image.size, rows, origin=0))[0]
        yield to_uint8(values.expand(3, -1, -1))
        progress(rows[1] / output.size[0])
