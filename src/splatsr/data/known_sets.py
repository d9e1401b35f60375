"""Test sets by name, in the trees that their archives unpack to, with the LR files that they bring along.

Set5, Set14, B100, Urban100, Manga109, General100, and BraTS (slices saved as images, grey or RGB), below `root` or
`root`/benchmark:
    Set5/HR/baby.png            with Set5/LR_bicubic/X2/babyx2.png          EDSR's benchmark archive
    Set5/GTmod12/baby.png       with Set5/LRbicx2/baby.png                  BasicSR, HAT
    Set5/image_SRF_2/img_001_SRF_2_HR.png  with img_001_SRF_2_LR.png        SelfExSR; HR is cut to multiples of its scale
    Set5/baby.png               with Set5/X2/babyx2.png, or without LR files (General-100/im_1.bmp, as FSRCNN's authors have it)
DIV2K/DIV2K_valid_HR/0801.png   with DIV2K/DIV2K_valid_LR_bicubic/X2/0801x2.png
LSDIR/val1/HR/val/0000001.png   with LSDIR/val1/X2/val/0000001x2.png
Rain200H/test/norain/norain-1.png  with Rain200H/test/rain/X2/norain-1x2.png, or rain/, or target/ with input/: rainy images of
    equal size, the LR images at x1, from which those of other scales are made
COZ/test_HR/<scene>.png         with COZ/test_LR/<scene>/*.png by name, the smallest zoom factor (x2) first; real scales are
    about these, and not every scene has all
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from splatsr.data.evaluation_pairs import GivenPair
from splatsr.data.pairing import pair_by_name
from splatsr.errors import InputError
from splatsr.image_files.folder import is_image_name

WHOLE_SCALES = (2, 3, 4, 6, 8)
"""Those for which archives have LR folders."""


class Tree(NamedTuple):
    """Where a set may lie, relative to the root: the folder of its HR images, and those of its LR images of scale 2, 3, .. (or
    of scale 1 alone)."""

    hr: str
    lr: str


def _archives(*names: str) -> tuple[Tree, ...]:
    parents = [parent + name for parent in ("", "benchmark/") for name in names]
    folders = (
        ("/HR", "/LR_bicubic/X{scale}"),
        ("/GTmod12", "/LRbicx{scale}"),
        ("/image_SRF_2", "/image_SRF_{scale}"),
        ("", "/X{scale}"),
    )
    return tuple(Tree(parent + hr, parent + lr) for parent in parents for hr, lr in folders)


KNOWN_SETS = {
    "set5": _archives("Set5"),
    "set14": _archives("Set14"),
    "b100": _archives("B100", "BSD100", "BSDS100"),
    "urban100": _archives("Urban100"),
    "manga109": _archives("Manga109"),
    "general100": _archives("General100", "General-100"),
    "brats": _archives("BraTS", "BRATS"),
    "div2k_valid": (
        Tree("DIV2K/DIV2K_valid_HR", "DIV2K/DIV2K_valid_LR_bicubic/X{scale}"),
        Tree("DIV2K_valid_HR", "DIV2K_valid_LR_bicubic/X{scale}"),
    ),
    "lsdir_valid": (Tree("LSDIR/val1/HR/val", "LSDIR/val1/X{scale}/val"), Tree("LSDIR/HR/val", "LSDIR/X{scale}/val")),
    "rain200h": (
        Tree("Rain200H/test/norain", "Rain200H/test/rain/X2"),
        Tree("Rain200H/test/norain", "Rain200H/test/rain"),
        Tree("Rain200H/test/target", "Rain200H/test/input"),
    ),
    "coz": (Tree("COZ/test_HR", "COZ/test_LR/<scene>"),),
}
"""The trees in which a set is looked for, in that order."""

DEGRADED = ("rain200h",)
"""Sets whose LR images are made of degraded ones."""

ZOOMED = ("coz",)
"""Sets whose LR images no rule makes: photographs of the same scene."""


@dataclass(frozen=True)
class FoundSet:
    """A set on the disk: its HR folder, its images, and for each image the pairs that are given, by scale."""

    folder: Path
    images: list[Path]
    given: list[dict[int, GivenPair]]

    @property
    def scales(self) -> list[int]:
        """At which LR files are given."""
        return sorted({scale for pairs in self.given for scale in pairs})


def find_set(name: str, root: Path) -> FoundSet | None:
    """The set below `root`, or None if it is not there; of several copies the first one that has LR files.

    Raises:
        InputError: LR files are there, but do not belong to the HR files.
    """
    found = [_found(name, root / tree.hr, str(root / tree.lr)) for tree in KNOWN_SETS[name] if _images(root / tree.hr)]
    return next((one for one in found if one.scales), found[0] if found else None)


def missing(name: str, root: Path) -> str:
    """What to say of a set that is not there."""
    folders = ", ".join(dict.fromkeys(str(root / tree.hr) for tree in KNOWN_SETS[name]))
    return f"test set {name} is not there; expected its HR images in one of {folders}. Set data.test_root=<the folder above>."


def expected_lr(name: str, root: Path) -> str:
    """Where LR files of the set would be looked for."""
    return " or ".join(dict.fromkeys(str(root / tree.lr) for tree in KNOWN_SETS[name]))


def _found(name: str, folder: Path, lr: str) -> FoundSet:
    images = [path for path in _images(folder) if not path.stem.endswith("_LR")]
    if name in ZOOMED:
        return FoundSet(folder, images, list(_zoomed(images, Path(lr).parent)))
    given: list[dict[int, GivenPair]] = [{} for _ in images]
    for scale in WHOLE_SCALES if "{scale}" in lr else (1,):
        files = _images(Path(lr.format(scale=scale)))
        own = [path for path in files if path.stem.endswith("_HR")]  # SelfExSR: HR of this scale
        if not files:
            continue
        hr = pair_by_name(images, own) if own else images
        for pairs, one, partner in zip(given, hr, pair_by_name(hr, [path for path in files if path not in own]), strict=True):
            pairs[scale] = GivenPair(partner, one)
    return FoundSet(folder, images, given)


def _zoomed(images: list[Path], folder: Path) -> Iterator[dict[int, GivenPair]]:
    """Scene by scene: one HR image, LR images of growing zoom factor from x2 on; not every scene has all."""
    scenes = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if len(scenes) != len(images):
        raise InputError(
            f"{folder} has {len(scenes)} folders for {len(images)} images; expected {folder}/<scene>/*.png for each."
        )
    for hr, scene in zip(images, scenes, strict=True):
        yield {scale: GivenPair(lr, hr) for scale, lr in enumerate(_images(scene), 2)}


def _images(folder: Path) -> list[Path]:
    """Images directly in `folder`, sorted, but for hidden ones; none if it is not there."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if is_image_name(path.name) and not path.name.startswith("."))
