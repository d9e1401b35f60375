"""What every model is: an LR image in, a continuous image out."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from splatsr.image.tiling import Span, Tiling


class Model(nn.Module):
    """The base of all methods; a model's `forward` takes RGB in [0, 1] (B, 3, h, w) to a `ContinuousImage`.

    One with an encoder has it as `encoder`.

    Attributes:
        has_weights: whether there is something to train.
        margin: LR pixels by which it continues an image beyond its border before it is encoded (`image.border`).
        may_collapse: whether training from its first weights is known to end in images that show nothing.
    """

    has_weights: bool
    may_collapse: bool = False
    margin: int = 0

    def continue_images(self) -> None:
        """From here on images are continued beyond their border, whatever the model's file says (`margin`).

        For enlargements that people keep. Nothing to do for methods that show no dark frame without it.
        """

    @property
    def rendering(self) -> str:
        """What a pixel is, in words, for results."""
        raise NotImplementedError

    @property
    def tiling(self) -> Tiling | None:
        """How it may be run on tiles; None: on whole images only."""
        return None

    def part(self, lr: Float[Tensor, "b 3 h w"], *, rows: Span, columns: Span) -> Any:
        """The image of those pixels of an LR image, which is not continued here; of a model with `tiling`."""
        raise NotImplementedError
