"""LR images as a camera that no training here has: a rule of protocols, to measure on what data/degradation=camera trains for.

One round in the classical order (blur, downscaling, noise, JPEG; Wang et al. 2021, "Real-ESRGAN", section 3.1), made by other
code than the training's: PIL resizes, libjpeg compresses. Its strengths, ours, are those of a photograph from a phone that was
sent on; they are part of what the rule is, so that figures under its name can be compared.
"""

import math
import zlib

import numpy as np
from jaxtyping import UInt8

from splatsr.data.degradation.blur import GaussianBlur
from splatsr.data.degradation.jpeg import Jpeg
from splatsr.data.degradation.noise import GaussianNoise
from splatsr.resize.levels import Pixels, eight_bit
from splatsr.resize.rules import pil

SEED = 2021
"""Of all that is drawn, together with the image itself."""

BLUR = (0.2, 0.6)
"""Standard deviation in LR pixels: about a pixel of the sensor."""

BROADEST = 20.0
"""HR pixels that `GaussianBlur` goes to."""

NOISE = GaussianNoise(sigma=[1, 8])
"""Grey levels."""

JPEG = Jpeg(quality=[60, 95])


def held_out(image: Pixels, size: tuple[int, int]) -> UInt8[np.ndarray, "_ _ 3"]:
    """The LR image of `size` (height, width), 8-bit; the same whenever it is made of the same pixels."""
    image = eight_bit(image)
    random = np.random.default_rng([SEED, zlib.crc32(image.tobytes()), *size])
    scale = math.sqrt(image.shape[0] * image.shape[1] / (size[0] * size[1]))
    blur = GaussianBlur(sigma=[min(BROADEST, sigma * scale) for sigma in BLUR])
    return JPEG(NOISE(pil(blur(image, size, random), size), size, random), size, random)
