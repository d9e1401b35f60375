"""Training crops: a random HR crop, its LR by a chain of degradations (by default the PIL 8-bit rule), one scale per batch or
one per crop. What is random about them is drawn in data.batch_sampler.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from splatsr.data.batch_sampler import BatchRequest, CropRequest
from splatsr.data.degradation.chain import Degradation
from splatsr.data.image_sequences import Images
from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.resize.levels import Pixels, to_tensor


class CropDataset(Dataset[dict[str, Any]]):
    """`dataset[request]` makes a whole batch.

    Args:
        photographs: 8-bit RGB arrays.
        degraded: the same photographs with rain or the like: LR crops are made from these; None: from `photographs`.
        degradation: makes the LR crop; None: LR is made of the whole batch, by data.degradation.camera.
        patch: side of the crops in pixels.
        patch_of: the image whose side that is, "hr" or "lr", see `crop_sides`.
    """

    def __init__(
        self,
        photographs: Images,
        *,
        degraded: Images | None,
        degradation: Degradation | None,
        patch: int,
        patch_of: str,
    ) -> None:
        self.photographs, self.degraded, self.degradation = photographs, degraded, degradation
        self.patch, self.patch_of = patch, patch_of

    def __getitem__(self, request: BatchRequest) -> dict[str, Any]:
        """{"lr": (B, 3, l, l), "hr": (B, 3, L, L), "scale": the nominal one, "seeds": one for each crop, for whatever is drawn
        of it}; RGB in [0, 1], float32.

        Where the crops' scales differ, hr is a list of B images (3, L, L) of different sides, and scale a list. Where LR is
        made of the whole batch, there is "lr_side", in pixels, in place of lr.
        """
        sides = [crop_sides(self.patch, scale, self.patch_of) for scale in request.scales]
        hr = list(self._cut(request.crops, [side for _, side in sides]))
        batch = batch_of(request, [to_tensor(image) for image in hr])
        if self.degradation is None:
            return batch | {"lr_side": sides[0][0]}
        lr = [
            self._low(self.degradation, crop, image, side)
            for crop, image, (side, _) in zip(request.crops, hr, sides, strict=True)
        ]
        return batch | {"lr": torch.stack([to_tensor(image) for image in lr])}

    def _cut(self, crops: Sequence[CropRequest], sides: Sequence[int]) -> Iterator[UInt8[np.ndarray, "side side 3"]]:
        """The crops; a photograph of which several follow each other is read once."""
        for index, group in itertools.groupby(zip(crops, sides, strict=True), lambda pair: pair[0].photograph):
            photograph = self.photographs[index]
            yield from (cut(photograph, crop, side) for crop, side in group)

    def _low(self, degradation: Degradation, crop: CropRequest, hr: UInt8[np.ndarray, "side side 3"], side: int) -> Pixels:
        """The LR crop of `side` pixels."""
        source = hr if self.degraded is None else cut(self.degraded[crop.photograph], crop, hr.shape[0])
        return degradation(source, (side, side), np.random.default_rng(crop.seed))


def batch_of(request: BatchRequest, hr: Sequence[Float[Tensor, "3 _ _"]]) -> dict[str, Any]:
    """{"hr", "scale", "seeds"} of a batch, see `CropDataset`."""
    one_scale = len(set(request.scales)) == 1
    return {
        "hr": torch.stack(list(hr)) if one_scale else list(hr),
        "scale": request.scales[0] if one_scale else list(request.scales),
        "seeds": [crop.seed for crop in request.crops],
    }


def cut(photograph: UInt8[np.ndarray, "_ _ 3"], crop: CropRequest, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """The crop's square of `side` pixels, of its positions the one with most detail, oriented; a copy."""
    squares = [_square(photograph, shares, side) for shares in ((crop.top, crop.left), *crop.others)]
    return oriented(squares[0] if len(squares) == 1 else max(squares, key=_detail), crop)


def oriented(square: UInt8[np.ndarray, "side side 3"], crop: CropRequest) -> UInt8[np.ndarray, "side side 3"]:
    """The square as the crop has it: turned, mirrored, its channels in their order; a copy."""
    square = square[::-1] if crop.flip_vertical else square
    square = square[:, ::-1] if crop.flip_horizontal else square
    square = square.transpose(1, 0, 2) if crop.transpose else square
    return np.ascontiguousarray(square if crop.channels == (0, 1, 2) else square[..., list(crop.channels)])


def place(shares: tuple[float, float], size: tuple[int, int], side: int) -> tuple[int, int]:
    """(top, left) in pixels of a square in an image of `size`, of its position as a share of those that there are."""
    top, left = (int(share * (length - side + 1)) for share, length in zip(shares, size, strict=True))
    return top, left


def _square(photograph: UInt8[np.ndarray, "_ _ 3"], shares: tuple[float, float], side: int) -> UInt8[np.ndarray, "side side 3"]:
    top, left = place(shares, (photograph.shape[0], photograph.shape[1]), side)
    return photograph[top : top + side, left : left + side]


def _detail(square: UInt8[np.ndarray, "side side 3"]) -> float:
    """The mean step of the green channel from a pixel to the next, along both axes."""
    green = square[..., 1].astype(np.int16)
    return sum(float(np.abs(np.diff(green, axis=axis)).mean()) for axis in (0, 1))


def crop_sides(patch: int, scale: Number, patch_of: str) -> tuple[int, int]:
    """(LR side, HR side) of a training crop: HR side = round(LR side * scale), ties to even.

    LR side = floor(patch / scale) where `patch` is of the HR crop (ContinuousSR), `patch` where it is of the LR crop (LIIF).
    """
    lr_side = int(patch / scale + 1e-9) if patch_of == "hr" else patch
    return lr_side, round(lr_side * scale)


def smallest_side(patch: int, scale_range: tuple[float, float], patch_of: str) -> int:
    """A side in pixels that no HR crop falls below, whatever scales are drawn.

    Where `patch` is of the HR crop: an LR side of k pixels comes from scales down to patch / (k + 1), so that HR is k of k + 1
    parts of it at least; fewest where k is smallest, at the largest scale.
    """
    if patch_of == "lr":
        return crop_sides(patch, scale_range[0], patch_of)[1]
    fewest = crop_sides(patch, scale_range[1], patch_of)[0]
    return min(crop_sides(patch, scale, patch_of)[1] for scale in (scale_range[1], max(scale_range[0], patch / (fewest + 1))))


def largest_side(patch: int, scale_range: tuple[float, float], patch_of: str) -> int:
    """Side of the largest HR crop in pixels: photographs must not be smaller."""
    return patch if patch_of == "hr" else crop_sides(patch, scale_range[1], patch_of)[1]


def check_crops(
    patch: int, patch_of: str, scale_range: Sequence[Number], scale_per: str, *, whole: bool
) -> tuple[float, float]:
    """The scale range as a pair.

    Raises:
        InputError: not 1 <= low <= high, there is no whole number between and must be one, the smallest LR crop has fewer than
            4 pixels along a side, or the LR crops of a batch would differ in size.
    """
    if patch_of not in ("hr", "lr"):
        raise InputError(f"data.patch_of must be hr or lr; got {patch_of!r}.")
    if scale_per not in ("batch", "crop"):
        raise InputError(f"data.scale_per must be batch or crop; got {scale_per!r}.")
    if scale_per == "crop" and patch_of == "hr":
        raise InputError("data.scale_per=crop needs data.patch_of=lr: else the LR crops of a batch would differ in size.")
    if len(scale_range) != 2 or not 1 <= scale_range[0] <= scale_range[1]:
        raise InputError(f"data.scale_range must be [low, high] with 1 <= low <= high; got {list(scale_range)}.")
    low, high = (float(value) for value in scale_range)
    if whole and math.ceil(low) > high:
        raise InputError(f"data.scale_distribution=whole needs a whole number in data.scale_range; got {list(scale_range)}.")
    if crop_sides(patch, high, patch_of)[0] < 4:
        if patch_of == "lr":
            raise InputError(f"data.patch={patch} LR pixels are too few; use at least 4.")
        raise InputError(f"data.patch={patch} leaves fewer than 4 LR pixels at scale {high}; use at least {int(4 * high) + 1}.")
    return low, high
