"""JPEG compression by the real codec (libjpeg in Pillow; kornia's is a smooth approximation for gradients)."""

from collections.abc import Sequence
from io import BytesIO
from typing import Annotated

import numpy as np
from annotated_types import Len
from jaxtyping import UInt8
from PIL import Image

from splatsr.bounds import Ordered
from splatsr.data.degradation.chain import check_range
from splatsr.resize.levels import Pixels, eight_bit


class Jpeg:
    """Compresses and decompresses, chroma at half the resolution (4:2:0).

    Args:
        quality: [smallest, largest], 1 to 100, uniform whole numbers, one for each image.
    """

    downscales = False

    def __init__(self, *, quality: Annotated[Sequence[int], Len(2, 2), Ordered()]) -> None:
        low, high = check_range(quality, "jpeg.quality", 1, 100)
        self.quality = int(low), int(high)

    def __call__(self, image: Pixels, size: tuple[int, int], random: np.random.Generator) -> Pixels:
        """8-bit, as a decoder returns it; `size` is not looked at."""
        return compressed(eight_bit(image), int(random.integers(self.quality[0], self.quality[1] + 1)))


def compressed(image: UInt8[np.ndarray, "h w 3"], quality: int) -> UInt8[np.ndarray, "h w 3"]:
    """What a decoder returns of the image's JPEG file of that quality (1 to 100), 4:2:0."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file).convert("RGB"))
