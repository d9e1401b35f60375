"""Padding an image to a size that an encoder's windows divide."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor


def reflect_to_multiple(x: Float[Tensor, "b c h w"], multiple: int) -> Float[Tensor, "b c height width"]:
    """Grows x at the bottom and the right to the next multiple of `multiple` pixels, mirrored about the last pixel.

    The edge itself is not repeated, as in torch's "reflect" padding. Where that is undefined, because the padding is not
    smaller than the side, the mirroring goes on back and forth: 0 1 2 1 0 1 2 ...; a single pixel is repeated.
    """
    height, width = (-(-side // multiple) * multiple for side in x.shape[-2:])
    return reflect_to(x, (height, width))


def reflect_to(x: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c {size[0]} {size[1]}"]:
    """The same to a size that is no smaller."""
    if size[0] > x.shape[-2]:
        x = x.index_select(-2, _mirrored(x.shape[-2], size[0], x.device))
    return x.index_select(-1, _mirrored(x.shape[-1], size[1], x.device)) if size[1] > x.shape[-1] else x


def _mirrored(side: int, length: int, device: torch.device) -> Int64[Tensor, " {length}"]:
    period = max(2 * (side - 1), 1)
    return side - 1 - (side - 1 - torch.arange(length, device=device) % period).abs()
