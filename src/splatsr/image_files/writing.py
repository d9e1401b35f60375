"""8-bit RGB arrays to image files that appear whole or not at all."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from splatsr.disk.whole_file import whole_file
from splatsr.image_files.formats import WRITTEN, check_writable


def write_image(path: str | Path, image: UInt8[np.ndarray, "h w 3"]) -> None:
    """Encodes by the file's suffix; the file appears whole or not at all.

    Raises:
        InputError: the suffix is not one that can be written, or the file cannot be.
    """
    path = Path(path)
    check_writable(path)
    with whole_file(path) as partial:
        Image.fromarray(image).save(partial, format=WRITTEN[path.suffix.lower()])
