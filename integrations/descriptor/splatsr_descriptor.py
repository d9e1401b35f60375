"""A model as hosts of spandrel's descriptors (chaiNNer and others) expect one, but with a scale that may have fractions.

spandrel itself knows whole scales alone, so this is an object of its own with a descriptor's attributes and calls, not one of
its classes: `describe("tiny", scale=3.7)(image)`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import splatsr
from splatsr.errors import InputError


@dataclass(frozen=True)
class SizeRequirements:
    """None: any image will do."""

    minimum: int = 1
    multiple_of: int = 1
    square: bool = False

    @property
    def none(self) -> bool:
        """Whether nothing is required."""
        return (self.minimum, self.multiple_of, self.square) == (1, 1, False)

    def check(self, width: int, height: int) -> bool:
        """Whether an image of that size will do."""
        return width >= self.minimum and height >= self.minimum


@dataclass
class Descriptor:
    """What a host reads of a model, and calls.

    Attributes:
        model: of this suite, in eval mode.
        scale: of the next call; any number greater than 0.
        tiling: "internal": large images are cut by the model itself, without seams.
    """

    model: Any
    scale: float
    architecture: str = "SplatSR"
    purpose: str = "SR"
    tags: list[str] = field(default_factory=list)
    input_channels: int = 3
    output_channels: int = 3
    supports_half: bool = False
    supports_bfloat16: bool = False
    tiling: str = "internal"
    size_requirements: SizeRequirements = SizeRequirements()

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next((one.device for one in self.model.parameters()), torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """Of its numbers."""
        return torch.float32

    def to(self, device: torch.device | str) -> "Descriptor":
        """Moves the model, and returns this object."""
        self.model.to(device)
        return self

    def eval(self) -> "Descriptor":
        """The model is in eval mode already."""
        self.model.eval()
        return self

    def __call__(self, image: Tensor) -> Tensor:
        """The enlarged image, (batch, 3, round(scale h), round(scale w)) in [0, 1], of one (batch, 3, h, w) in [0, 1]."""
        return splatsr.upscale(image, scale=self.scale, model=self.model)

    def render(self, image: Tensor, *, width: int, height: int) -> Tensor:
        """To exactly that size, which no whole scale would make."""
        return splatsr.upscale(image, size=(height, width), model=self.model)


def describe(model: str | Path, *, scale: float = 4.0) -> Descriptor:
    """The descriptor of a model that `splatsr.load` reads.

    Raises:
        InputError: there is no such model, or the scale is no number greater than 0.
    """
    if not 0 < scale < float("inf"):
        raise InputError(f"scale must be a number greater than 0; got {scale}.")
    loaded = splatsr.load(model)
    loaded.continue_images()
    return Descriptor(loaded, scale, tags=[type(loaded).__name__])
