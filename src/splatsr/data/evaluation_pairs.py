"""Test images and their LR: files that a set brings along, or the HR image cut to fit the scale and downscaled by a rule; of
rain and the like the LR image is made of the degraded image, and HR is the clean one.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from splatsr.data.degradation.held_out import held_out
from splatsr.data.image_names import image_names
from splatsr.data.pairing import check_one_view
from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.image_files.reading import image_size, read_image
from splatsr.resize.levels import Pixels, eight_bit, to_tensor, unrounded
from splatsr.resize.matlab import resize_matlab_float
from splatsr.resize.rules import RULES, Rule

Image = UInt8[np.ndarray, "_ _ 3"]
"""8-bit RGB rows."""

LR_RULES: dict[str, Rule] = {**RULES, "camera": held_out}
"""How a protocol's LR images can be made: the rules of resizing, and what a camera does besides."""

GIVEN_SCALES = (2, 3, 4)
"""Where a protocol on given LR files expects them."""


@dataclass(frozen=True)
class LowResolution:
    """How the LR image of a test image comes about; a protocol's terms.

    Attributes:
        rule: of downscaling, one of `LR_RULES`.
        given: at x2, x3 and x4 the set's own LR files are used, at other scales the rule.
        crop: liif: LR floor(H / s), HR cut to round(h s); mod12: the same of HR cut to a multiple of 12; diinn: LR
            round(H / s), HR whole; gsasr: the whole HR resized by exactly 1 / s, LR cut to floor(H / s), HR to floor(h s).
            Cuts leave the top left.

    Raises:
        InputError: there is no such rule or crop, or they do not go together.
    """

    rule: str
    given: bool
    crop: str

    def __post_init__(self) -> None:
        if self.rule not in LR_RULES or self.crop not in ("liif", "mod12", "diinn", "gsasr"):
            raise InputError(
                f"LR images can be made by {', '.join(LR_RULES)} and cut by liif, mod12, diinn or gsasr; got {self.rule} and "
                f"{self.crop}."
            )
        if self.crop == "gsasr" and self.rule != "matlab":
            raise InputError(f"the gsasr sizes come with the matlab rule only; got {self.rule}.")

    def make(self, image: Image, scale: Number) -> tuple[Pixels, Image]:
        """(LR, HR) of an HR image; LR is 8-bit too, but for the rule matlab_float."""
        size, _ = self.sizes((image.shape[0], image.shape[1]), scale)
        hr = self.cut(image, scale)
        if self.crop == "gsasr":
            return _exact_scale(image, scale)[: size[0], : size[1]], hr
        return LR_RULES[self.rule](np.ascontiguousarray(hr), size), hr

    def cut(self, image: Image, scale: Number) -> Image:
        """What is left of an HR image to be compared."""
        _, (height, width) = self.sizes((image.shape[0], image.shape[1]), scale)
        return image[:height, :width]

    def sizes(self, size: tuple[int, int], scale: Number) -> tuple[tuple[int, int], tuple[int, int]]:
        """(height, width) of the LR image and of the HR image that is left, of an HR image of `size`."""
        height, width = size
        if self.crop == "diinn":
            return (round(height / scale), round(width / scale)), size
        if self.crop == "mod12":
            height, width = height // 12 * 12, width // 12 * 12
        lr = math.floor(height / scale + 1e-9), math.floor(width / scale + 1e-9)
        if self.crop == "gsasr":
            return lr, (math.floor(lr[0] * scale + 1e-9), math.floor(lr[1] * scale + 1e-9))
        return lr, (round(lr[0] * scale), round(lr[1] * scale))


def _exact_scale(image: Image, scale: Number) -> Image:
    """GSASR's: imresize(image, 1 / scale), before it is cut."""
    size = math.ceil(image.shape[0] / scale - 1e-9), math.ceil(image.shape[1] / scale - 1e-9)
    return eight_bit(resize_matlab_float(unrounded(image), size, border="symmetric", scale=1 / scale))


class Pair(NamedTuple):
    """One test image at one scale; `lr` (3, h, w) and `hr` (3, H, W) are RGB in [0, 1].

    `name` is what the image is called in results.

    By the liif crop H = round(h * scale); where H is something else (diinn, real zoom), H is what is to be rendered.
    """

    lr: Float[Tensor, "3 h w"]
    hr: Float[Tensor, "3 height width"]
    scale: Number
    set_name: str
    path: Path
    name: str


class GivenPair(NamedTuple):
    """LR and HR files that belong together."""

    lr: Path
    hr: Path


@dataclass(frozen=True)
class EvaluationImage:
    """One image of a test set.

    Attributes:
        path: the HR file.
        name: what it is called in results; no two of a set are alike.
        given: LR files by scale, each with its HR file (SelfExSR has one for each scale).
        degraded: the image with rain or the like, of equal size: the LR image at x1, and what LR images are made of above;
            None: they are made of the HR image.
        zoomed: there is nothing but the given pairs, which count under every protocol; their scales are nominal, sizes are what
            they are (real zoom).
    """

    path: Path
    name: str
    given: Mapping[int, GivenPair]
    degraded: Path | None
    zoomed: bool

    def pair(self, scale: Number, low_resolution: LowResolution) -> tuple[Pixels, Image]:
        """(LR, HR) at this scale; 8-bit, but for the rule matlab_float.

        Raises:
            InputError: a file cannot be read, the image is too small, the files do not fit the scale, or none is given for it.
        """
        self.check(scale, low_resolution)
        if self._is_given(scale, low_resolution):
            return self._given_pair(int(scale), low_resolution)
        image = read_image(self.path)
        self._check_size((image.shape[0], image.shape[1]), scale, low_resolution)
        if self.degraded is None:
            return low_resolution.make(image, scale)
        degraded = read_image(self.degraded)
        if degraded.shape != image.shape:
            raise InputError(
                f"{self.degraded} has another size than {self.path}; a degraded image and its clean one are of equal size."
            )
        if scale == 1:
            return degraded, image
        return low_resolution.make(degraded, scale)[0], low_resolution.cut(image, scale)

    def comes_at(self, scale: Number) -> bool:
        """Whether there is a pair at this scale: in real zoom only where somebody took one."""
        return not self.zoomed or scale in self.given

    def hr_size(self, scale: Number, low_resolution: LowResolution) -> tuple[int, int] | None:
        """(height, width) of the HR image of `pair`, from the file's header; None where the set gives the pair.

        Raises:
            InputError: the file cannot be read, or the image is too small.
        """
        if self._is_given(scale, low_resolution):
            return None
        return self._check_size(image_size(self.path), scale, low_resolution)

    def _is_given(self, scale: Number, low_resolution: LowResolution) -> bool:
        return scale in self.given and (low_resolution.given or self.zoomed)

    def _check_size(self, size: tuple[int, int], scale: Number, low_resolution: LowResolution) -> tuple[int, int]:
        lr, hr = low_resolution.sizes(size, scale)
        if min(lr) < 1:
            raise InputError(f"{self.path} is {size[1]}x{size[0]} pixels: too small to be reduced by {scale}.")
        return hr

    def check(self, scale: Number, low_resolution: LowResolution) -> None:
        """InputError where LR files are needed at this scale and not there; nothing is opened."""
        expected = low_resolution.given and scale in GIVEN_SCALES and self.degraded is None
        if scale not in self.given and (self.zoomed or expected):
            scales = ", ".join(f"x{one}" for one in sorted(self.given)) or "no scale at all"
            remedy = "other scales are not possible" if self.zoomed else "use a protocol that makes LR images, such as l_pil"
            raise InputError(f"{self.path} has given LR files for {scales}, not for x{scale:g}; {remedy}.")

    def _given_pair(self, scale: int, low_resolution: LowResolution) -> tuple[Image, Image]:
        lr, hr = map(read_image, self.given[scale])
        if self.zoomed:
            files, (low, high) = self.given[scale], (image.shape[:2] for image in (lr, hr))
            check_one_view(files.lr, (low[0], low[1]), files.hr, (high[0], high[1]))
            return lr, hr
        if any(not 0 <= whole - scale * part < scale for whole, part in zip(hr.shape[:2], lr.shape[:2], strict=True)):
            raise InputError(
                f"{self.given[scale].lr} is {lr.shape[1]}x{lr.shape[0]} pixels, which is not 1/{scale} of "
                f"{self.given[scale].hr} ({hr.shape[1]}x{hr.shape[0]})."
            )
        if low_resolution.crop == "mod12":
            lr = lr[: hr.shape[0] // 12 * 12 // scale, : hr.shape[1] // 12 * 12 // scale]
        return lr, hr[: scale * lr.shape[0], : scale * lr.shape[1]]


EvaluationSets = dict[str, list[EvaluationImage]]
"""{name of a test set: its images}"""


def without_lr(paths: Sequence[Path], folder: Path | None = None) -> list[EvaluationImage]:
    """HR files that bring no LR files along; they are called by their paths below `folder`, see `image_names`."""
    names = image_names(paths, folder)
    return [EvaluationImage(path, name, {}, degraded=None, zoomed=False) for path, name in zip(paths, names, strict=True)]


class EvaluationPairs(Dataset[Pair]):
    """Every image of every set at every scale at which it comes, in that order; images are decoded when they are asked for.

    Raises:
        InputError: at once where a scale has no LR files and needs them; at an image as `EvaluationImage.pair`.
    """

    def __init__(self, sets: EvaluationSets, scales: list[Number], low_resolution: LowResolution) -> None:
        self.items: list[tuple[str, EvaluationImage, Number]] = []
        self.low_resolution = low_resolution
        for name, images in sets.items():
            nowhere = [scale for scale in scales if not any(image.comes_at(scale) for image in images)]  # refused below
            for image in images:
                own = [scale for scale in scales if image.comes_at(scale) or scale in nowhere]
                for scale in own:
                    image.check(scale, low_resolution)
                self.items += [(name, image, scale) for scale in own]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Pair]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Pair:
        name, image, scale = self.items[index]
        lr, hr = image.pair(scale, self.low_resolution)
        return Pair(to_tensor(lr), to_tensor(hr), scale, name, image.path, image.name)
