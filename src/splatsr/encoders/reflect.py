"""Padding an image to a size that an encoder's windows divide."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor


def reflect_to_multiple(x: Float[Tensor, "b c h w"], multiple: int) -> Float[Tensor, "b c height width"]:
    """Grows x at the bottom and the right to the next multiple of `multiple` pixels, mirrored about the last pixel.

    The edge itself is not repeated, as in torch's "reflect" padding. Where that is undefined, because the padding is not
    smaller than the side, the mirroring goes on back and forth: 0 1 2 1 0 1 2 ...; a single pixel is repeated.
    """
    rows, columns = (_mirrored(side, multiple, x.device) for side in x.shape[-2:])
    if len(rows) > x.shape[-2]:
        x = x.index_select(-2, rows)
    return x.index_select(-1, columns) if len(columns) > x.shape[-1] else x


def _mirrored(side: int, multiple: int, device: torch.device) -> Int64[Tensor, " length"]:
    length = -(-side // multiple) * multiple
    period = max(2 * (side - 1), 1)
    return side - 1 - (side - 1 - torch.arange(length, device=device) % period).abs()
