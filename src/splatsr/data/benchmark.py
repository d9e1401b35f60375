"""Test images: HR cropped to what the scale can reach, LR by the PIL 8-bit rule (protocol L-pil; ContinuousSR's test)."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from splatsr.data.images import read_image
from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.resize import resize_bicubic, to_tensor


class Pair(NamedTuple):
    """One test image at one scale; `lr` (3, h, w) and `hr` (3, H, W) are RGB in [0, 1], H = round(h * scale)."""

    lr: Float[Tensor, "3 h w"]
    hr: Float[Tensor, "3 height width"]
    scale: Number
    set_name: str
    path: Path


def make_pair(
    image: UInt8[np.ndarray, "_ _ 3"], scale: Number
) -> tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "height width 3"]]:
    """(LR, HR): LR sides are floor(side / scale); HR is cut at the bottom and right to round(LR side * scale)."""
    lr_size = tuple(int(side / scale + 1e-9) for side in image.shape[:2])
    hr = image[: round(lr_size[0] * scale), : round(lr_size[1] * scale)]
    return resize_bicubic(np.ascontiguousarray(hr), lr_size), hr


class Benchmark(Dataset[Pair]):
    """Every image of every set at every scale, in that order; images are decoded when they are asked for."""

    def __init__(self, sets: dict[str, list[Path]], scales: list[Number]) -> None:
        self.items = [(name, path, scale) for name, paths in sets.items() for path in paths for scale in scales]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Pair]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Pair:
        name, path, scale = self.items[index]
        image = read_image(path)
        if min(image.shape[:2]) < scale:
            raise InputError(f"{path} is {image.shape[1]}x{image.shape[0]} pixels: too small to be reduced by {scale}.")
        lr, hr = make_pair(image, scale)
        return Pair(to_tensor(lr), to_tensor(hr), scale, name, path)
