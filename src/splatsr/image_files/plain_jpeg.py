"""Which JPEGs any decoder reads alike."""

import io

from PIL import Image

from splatsr.image_files.pillow_limits import without_limits

_ORIENTATION, _UPRIGHT = 0x0112, (None, 1)

_END = b"\xff\xd9"


def is_plain_jpeg(content: bytes, smallest: int) -> bool:
    """Whether a file's content is a whole JPEG in color or grey, upright, and no side of it is below `smallest` pixels.

    What is left out: CMYK, colors that are stored as RGB, pictures that have to be turned, ends that are missing.
    """
    if not content.rstrip(b"\0").endswith(_END):
        return False
    try:
        with without_limits(), Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            return (
                image.mode in ("RGB", "L")
                and min(image.size) >= smallest
                and image.info.get("adobe_transform", 1) == 1
                and image.getexif().get(_ORIENTATION) in _UPRIGHT
            )
    except Exception:  # noqa: BLE001 - whatever a decoder raises: what is wrong is said where the pixels are read
        return False
