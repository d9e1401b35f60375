"""Which LR or degraded file belongs to which HR file: their names say so, give or take what the data sets add to them."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from splatsr.data.image_sequences import Images
from splatsr.errors import InputError

_ADDED = re.compile(r"^(no)?rain[-_](?=\d)|_SRF_\d+_(HR|LR)$", re.IGNORECASE)
"""norain-12 and rain-12 (Rain200H, Rain800), img_001_SRF_2_HR and img_001_SRF_2_LR (SelfExSR)."""

_SCALE = re.compile(r"x\d+(\.\d+)?$", re.IGNORECASE)
"""babyx2 is the LR file of baby (EDSR's archive, DIV2K, LSDIR), norain-1x2 the rainy one of norain-1 (Rain200H)."""


_ONE_SHAPE = 1.1
"""How far the ratios of heights and of widths of two photographs of one view may be apart: they are cut to it by hand."""


def check_one_view(lr: Path, lr_size: tuple[int, int], hr: Path, hr_size: tuple[int, int]) -> None:
    """InputError where images of these sizes (height, width) cannot be one view at two focal lengths."""
    vertical, horizontal = (whole / part for whole, part in zip(hr_size, lr_size, strict=True))
    if max(vertical, horizontal) > _ONE_SHAPE * min(vertical, horizontal):
        raise InputError(
            f"{lr} is {lr_size[1]}x{lr_size[0]} pixels and {hr} {hr_size[1]}x{hr_size[0]}: not one view at two focal lengths, "
            "for which both sides grow alike. Is a file in the wrong folder?"
        )


def pair_by_name(hr: Sequence[Path], lr: Sequence[Path]) -> list[Path]:
    """The partner of every HR file, in order.

    Raises:
        InputError: a file has no partner, or two of the same name.
    """
    wanted = {_plain(path) for path in hr}
    partners: dict[str, Path] = {}
    for path in lr:
        name = _plain(path)
        name = name if name in wanted else _SCALE.sub("", name)
        if name in partners:
            raise InputError(f"{path} and {partners[name]} both belong to {name}; expected one file each.")
        partners[name] = path
    if unpaired := [path for path in hr if _plain(path) not in partners]:
        raise InputError(
            f"{unpaired[0]} has no partner of the same name in {lr[0].parent if lr else 'an empty folder'} "
            f"({len(unpaired)} of {len(hr)} have none)."
        )
    return [partners[_plain(path)] for path in hr]


class Reordered:
    """`images` in another order: the first is images[order[0]]."""

    def __init__(self, images: Images, order: Sequence[int]) -> None:
        self.images, self.order = images, order

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        return self.images[self.order[index]]


def _plain(path: Path) -> str:
    return _ADDED.sub("", path.stem)
