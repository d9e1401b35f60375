"""Bicubic enlargement as a model of its own: the baseline of every table, under the rule that made the LR images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from splatsr.geometry import Scale, Strip, resolve_output
from splatsr.image.model import Model
from splatsr.resize.levels import to_tensor, to_uint8
from splatsr.resize.pil import resize_bicubic, resize_rows


@dataclass(frozen=True, eq=False)
class BicubicImage:
    """An LR batch (B, 3, h, w) that renders by the PIL 8-bit bicubic rule."""

    lr: Float[Tensor, "b 3 h w"]

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the LR image."""
        return (self.lr.shape[-2], self.lr.shape[-1])

    @cached_property
    def _levels(self) -> list[UInt8[np.ndarray, "h w 3"]]:
        return [to_uint8(image) for image in self.lr]

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB in [0, 1] at 8-bit levels."""
        output = resolve_output(self.size, size=size, scale=scale).size
        return torch.stack([to_tensor(resize_bicubic(image, output)) for image in self._levels]).to(self.lr)

    def render_strip(self, strip: Strip) -> Float[Tensor, "b 3 rows width"]:
        """Those rows alone, at 8-bit levels."""
        rows = [to_tensor(resize_rows(image, strip.output.size, strip.rows)) for image in self._levels]
        return torch.stack(rows).to(self.lr)


class Bicubic(Model):
    """LR image to BicubicImage; nothing to train."""

    has_weights = False
    rendering = "PIL bicubic, 8 bit"

    def __init__(self) -> None:  # nn.Module's own would swallow any argument
        super().__init__()

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> BicubicImage:
        return BicubicImage(lr)
