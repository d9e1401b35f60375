"""A restoring network and an enlarging one, one after the other, as one model (ContinuousSR, Table 16: rain removed before or
after super-resolution).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from splatsr.geometry import Scale, resolve_output
from splatsr.image.continuous_image import ContinuousImage
from splatsr.image.model import Model


@dataclass(frozen=True, eq=False)
class RestoredImage:
    """A continuous image, restored at the size at which it is rendered."""

    image: ContinuousImage
    restoration: Model

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the LR image."""
        return self.image.size

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped; what is restored is clamped to [0, 1]."""
        output = resolve_output(self.size, size=size, scale=scale).size
        return self.restoration(self.image.render(size=size, scale=scale).clamp(0, 1)).render(size=output)


class TwoStage(Model):
    """LR image to a continuous image. What goes from one network to the other is clamped to [0, 1], and not rounded.

    Args:
        restoration: an image at its own size, such as `DRSformer`.
        sr: enlarges.
        order: "restoration_first": the LR image is restored, then enlarged; "sr_first": every output is restored.
    """

    has_weights = True

    def __init__(self, *, restoration: Model, sr: Model, order: Literal["restoration_first", "sr_first"]) -> None:
        super().__init__()
        self.restoration, self.sr, self.order = restoration, sr, order

    @property
    def name(self) -> str:
        """Both in their order, as the paper's Table 16 has them: DRSformer+LIIF."""
        return "+".join(one.name for one in self._in_order())

    @property
    def rendering(self) -> str:
        """What a pixel is, in words, for results."""
        return f"{' then '.join(one.name for one in self._in_order())}; {self.sr.rendering}"

    @property
    def piece(self) -> int | None:
        """That of the network that enlarges; what is restored last comes in one piece in any case."""
        return None if self.order == "sr_first" else self.sr.piece

    def continue_images(self) -> None:
        """Both networks do."""
        for one in self._in_order():
            one.continue_images()

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ContinuousImage:
        """The image of a batch of RGB images in [0, 1]."""
        if self.order == "sr_first":
            return RestoredImage(self.sr(lr), self.restoration)
        size = lr.shape[-2], lr.shape[-1]
        return self.sr(self.restoration(lr).render(size=size).clamp(0, 1))

    def _in_order(self) -> list[Model]:
        both = [self.restoration, self.sr]
        return both if self.order == "restoration_first" else both[::-1]
