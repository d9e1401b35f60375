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

KERNELS = 2**19
"""That a strip is made of, or a few more: a field at x1 has more kernels than its output has pixels."""


def field_strips(
    image: FieldOnDisk | GaussianField | WindowInStrips, output: Output, progress: Callable[[float], None]
) -> Iterator[UInt8[np.ndarray, "rows width 3"]]:
    """The output from top to bottom, 8-bit RGB; a field of one channel is grey.

    A strip is rendered of the kernels that reach into it: where these are a few rows' alone, that is what memory has to hold.

    `progress` is called with the share that is rendered. Raises InputError where the file turns out to be damaged.
    """
    most = int(KERNELS / max(image.kernels_per_row, 1) * output.size[0] / image.size[0])
    for rows in strip_rows(0, output.size, most):
        with torch.inference_mode():
            values = image.render_strip(Strip(output, image.size, rows, origin=0))[0]
        yield to_uint8(values.expand(3, -1, -1))
        progress(rows[1] / output.size[0])
