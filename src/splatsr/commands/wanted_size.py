"""How large a picture becomes, as text on the command line: width x height, as on screens and in file managers.

The package itself says (vertical, horizontal); the order changes here and nowhere else.
"""

import argparse
import math
import re
from typing import Any, NamedTuple

from splatsr.errors import InputError

OPTIONS = ("scale", "size", "width", "height", "fit")


class WantedSize(NamedTuple):
    """What was asked for: the arguments of `splatsr.jobs.upscale.upscale`, and how names of results end."""

    scale: float | list[float] | None
    size: list[int | None] | None
    fit: list[int] | None
    suffix: str


def add_size_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of which a command takes one."""
    group = parser.add_argument_group("how large (one of these)")
    group.add_argument("--scale", metavar="N", help="N times as wide and high, such as 2 or 3.7; or 3x2.5: width x height")
    group.add_argument(
        "--size", metavar="WxH", help="exactly W pixels wide and H high, such as 1920x1080, whatever that distorts"
    )
    group.add_argument("--width", metavar="W", help="W pixels wide; the height follows")
    group.add_argument("--height", metavar="H", help="H pixels high; the width follows")
    group.add_argument("--fit", metavar="WxH", help="as large as fits into W x H pixels, undistorted")


def wanted_size(options: argparse.Namespace) -> WantedSize:
    """The one of `OPTIONS` that was given; InputError where none, several, or no size."""
    given = {name: getattr(options, name) for name in OPTIONS if getattr(options, name) is not None}
    if len(given) != 1:
        what = f"--{' and --'.join(given)} contradict each other" if given else "how large? It is not said"
        raise InputError(f"{what}; give one of --scale 3.7, --size 1920x1080, --width 1920, --height 1080, --fit 1920x1080.")
    ((name, text),) = given.items()
    if name == "scale":
        return _scale(text)
    if name in ("width", "height"):
        side = _whole(text, f"--{name}", "a whole number of pixels, such as 1920")
        return WantedSize(None, [None, side] if name == "width" else [side, None], None, f"_{name[0]}{side}")
    sides = text.lower().replace("×", "x").split("x")
    if len(sides) != 2:
        raise InputError(f"--{name} {text}: expected width x height in pixels, such as 1920x1080.")
    width, height = (_whole(side, f"--{name}", "width x height in pixels, such as 1920x1080", text) for side in sides)
    if name == "size":
        return WantedSize(None, [height, width], None, f"_{width}x{height}")
    return WantedSize(None, None, [height, width], f"_fit{width}x{height}")


def _scale(text: str) -> WantedSize:
    expected = "a number greater than 0 and at most 1,000,000, such as 3.7, or two for width x height, such as 3x2.5"
    factors: list[float] = []
    for part in text.lower().replace("×", "x").split("x"):
        try:
            factors.append(float(part))
        except ValueError:
            comma = f"; decimals have a point: {text.replace(',', '.')}" if re.fullmatch(r"\d+,\d+", part) else ""
            raise InputError(f"--scale {text}: expected {expected}{comma}.") from None
    if len(factors) > 2 or any(not math.isfinite(factor) or not 0 < factor <= 1_000_000 for factor in factors):
        raise InputError(f"--scale {text}: expected {expected}.")
    suffix = "_x" + "x".join(f"{factor:.10g}" for factor in factors)
    scale: Any = factors[0] if len(factors) == 1 else [factors[1], factors[0]]
    return WantedSize(scale, None, None, suffix)


def _whole(text: str, option: str, expected: str, given: str | None = None) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()) or int(text) < 1:
        raise InputError(f"{option} {text if given is None else given}: expected {expected}.")
    return int(text)
