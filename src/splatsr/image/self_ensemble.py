"""Geometric self-ensemble (Timofte et al. 2016, "Seven ways to improve example-based single image super resolution", 3.6).

The image is turned and mirrored in all eight ways, each is encoded and rendered by itself, and the results, turned back, are
averaged: eight times the work for a little more PSNR, without any training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.geometry import Scale, resolve_output
from splatsr.image.continuous_image import ContinuousImage
from splatsr.image.model import Model


@dataclass(frozen=True)
class _Turn:
    """One of the eight ways: columns mirrored, rows mirrored, and then rows and columns exchanged, or not."""

    mirrored: tuple[int, ...]
    exchanged: bool

    def __call__(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c _ _"]:
        turned = image.flip(self.mirrored) if self.mirrored else image
        return turned.transpose(-1, -2) if self.exchanged else turned

    def back(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c _ _"]:
        turned = image.transpose(-1, -2) if self.exchanged else image
        return turned.flip(self.mirrored) if self.mirrored else turned

    def pair(self, values: tuple[Any, Any]) -> tuple[Any, Any]:
        """(vertical, horizontal) of the turned image."""
        return (values[1], values[0]) if self.exchanged else values


_TURNS = [_Turn(mirrored, exchanged) for mirrored in ((), (-1,), (-2,), (-1, -2)) for exchanged in (False, True)]


class EnsembleImage:
    """The mean of eight continuous images, each of the same image turned another way.

    Args:
        images: in the order of the turns; all of the same batch.
    """

    def __init__(self, images: Sequence[ContinuousImage]) -> None:
        self.images = list(images)

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the LR image."""
        return self.images[0].size

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped, as `ContinuousImage.render`."""
        output = resolve_output(self.size, size=size, scale=scale)
        name, wanted = ("scale", output.scale) if size is None else ("size", output.size)
        rendered = [
            turn.back(image.render(**{name: turn.pair(wanted)})) for turn, image in zip(_TURNS, self.images, strict=True)
        ]
        return torch.stack(rendered).mean(0)


class SelfEnsemble(Model):
    """A model whose images are the mean over eight orientations.

    Args:
        model: any, in eval mode; its rendering depends on no orientation itself, but for what training has left.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        self.has_weights = model.has_weights
        self.train(model.training)

    @property
    def rendering(self) -> str:
        """What a pixel is, in words, for results."""
        return f"{self.model.rendering}; mean over eight orientations"

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> EnsembleImage:
        return EnsembleImage([self.model(turn(lr)) for turn in _TURNS])
