"""The rules by which LR images are made, under the names that protocols (`lr: pil`) and degradations (`[pil]`) share.

| name | what it is | who uses it |
|---|---|---|
| pil | PIL's bicubic: 8 bit, also between the passes | LIIF's family, ContinuousSR |
| torchvision | torchvision's antialiased bicubic: rounded once at the end | DIINN |
| matlab | BasicSR's imresize: MATLAB's bicubic in floats, mirrored border, rounded once at the end | GSASR's test, protocol B |
| matlab_uint8 | the same rounded between the passes too, edges repeated beyond the border | distributed LR files |
| matlab_float | as matlab, not rounded at all | GSASR's training |

Images of values in [0, 1] are rounded first where a rule works on 8 bit.
"""

from collections.abc import Callable

from splatsr.resize.levels import Pixels, eight_bit, unrounded
from splatsr.resize.matlab import resize_matlab, resize_matlab_float
from splatsr.resize.pil import resize_bicubic
from splatsr.resize.torchvision import resize_torchvision

Rule = Callable[[Pixels, tuple[int, int]], Pixels]
"""(image, size (height, width) in pixels) to the resized image; smaller or larger."""


def pil(image: Pixels, size: tuple[int, int]) -> Pixels:
    """8-bit, see `resize_bicubic`."""
    return resize_bicubic(eight_bit(image), size)


def torchvision(image: Pixels, size: tuple[int, int]) -> Pixels:
    """8-bit, see `resize_torchvision`."""
    return resize_torchvision(eight_bit(image), size)


def matlab(image: Pixels, size: tuple[int, int]) -> Pixels:
    """8-bit: `matlab_float`, rounded."""
    return eight_bit(matlab_float(image, size))


def matlab_uint8(image: Pixels, size: tuple[int, int]) -> Pixels:
    """8-bit, see `resize_matlab`."""
    return resize_matlab(eight_bit(image), size, border="replicate")


def matlab_float(image: Pixels, size: tuple[int, int]) -> Pixels:
    """Values, a little outside [0, 1] at strong edges; see `resize_matlab_float`."""
    return resize_matlab_float(unrounded(image), size, border="symmetric")


RULES: dict[str, Rule] = {rule.__name__: rule for rule in (pil, torchvision, matlab, matlab_uint8, matlab_float)}
