"""What every model is: an LR image in, a continuous image out."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.errors import InputError
from splatsr.image.precision import computing_in
from splatsr.image.tiling import Span, Tiling


class Model(nn.Module):
    """The base of all methods; a model's `forward` takes RGB in [0, 1] (B, 3, h, w) to a `ContinuousImage`.

    One with an encoder has it as `encoder`.

    Attributes:
        has_weights: whether there is something to train.
        margin: LR pixels by which it continues an image beyond its border before it is encoded (`image.border`).
        precision: what its networks compute in when it makes an image: float32, or bfloat16 or float16 where sums, the last
            layers and all that is rendered stay in float32 (`image.precision`).
        uses_all_parameters: whether every training step does; where one may leave some alone, processes that train together
            have to look for them after each.
        piece: LR pixels along a side beyond which an image is made of pieces that are drawn into one output; None: never.
        may_collapse: whether training from its first weights is known to end in images that show nothing.
    """

    has_weights: bool
    uses_all_parameters: bool = True
    may_collapse: bool = False
    margin: int = 0
    precision: torch.dtype = torch.float32

    def __call__(self, lr: Any) -> Any:
        """The continuous image of a batch.

        Raises:
            InputError: `lr` is no batch of RGB images with values in [0, 1] (which are looked at on a CPU, in eval mode).
        """
        _check(lr, values=not self.training)
        with computing_in(self.precision, lr.device):
            return super().__call__(lr)

    @property
    def name(self) -> str:
        """What results call it: its class, or the classes that it consists of."""
        return type(self).__name__

    def continue_images(self) -> None:
        """From here on images are continued beyond their border, whatever the model's file says (`margin`).

        For enlargements that people keep. Nothing to do for methods that show no dark frame without it.
        """

    def completed(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A state dict that a training begins with: that of a smaller network of the kind, which the method trains first, with
        this one's own first weights where it has more. Where a method has no such thing it is the state itself."""
        return dict(state)

    @property
    def piece(self) -> int | None:
        """See above."""
        return None

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


_WORST = 0.5
"""So far outside [0, 1] no resizing takes values; levels from 0 to 255 go further."""


def _check(lr: Any, *, values: bool) -> None:
    expected = "a model takes RGB images in [0, 1] as a tensor (batch, 3, h, w) of float32"
    if not isinstance(lr, Tensor):
        raise InputError(f"{expected}; got {type(lr).__name__}. splatsr.upscale takes paths, Pillow images and arrays.")
    if lr.ndim != 4 or lr.shape[1] != 3 or min(lr.shape) < 1:
        hint = ": lr[None] makes a batch of one" if lr.ndim == 3 and lr.shape[0] == 3 else ""
        raise InputError(f"{expected}; got the shape {tuple(lr.shape)}{hint}.")
    if not lr.is_floating_point():
        raise InputError(f"{expected}; got {str(lr.dtype).removeprefix('torch.')}: lr.float() / 255 of levels.")
    if values and lr.device.type == "cpu":
        least, most = (bound.item() for bound in lr.detach().aminmax())
        if not -_WORST <= least <= most <= 1 + _WORST:
            raise InputError(f"{expected}; got values from {least:g} to {most:g}.")
