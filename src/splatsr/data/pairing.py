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
