"""Padding by flipping, as LTE's authors test window transformers: the image, mirrored, is put below and to the right of it.

A side of n LR pixels grows to the next multiple of the window above n: by a whole window where n is a multiple already. The
edge pixel is repeated. (SwinIR's own padding, by reflection without the edge and only where needed, is inside the encoder.)
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Decode = Callable[[Tensor, Tensor], Tensor]
"""RGB at (coordinates, cell), as `QueryableImage.query`."""


def flip_pad(lr: Float[Tensor, "b 3 h w"], window: int) -> Float[Tensor, "b 3 height width"]:
    """The larger image; the image itself where `window` is 0."""
    if window:
        for axis in (-2, -1):
            n = lr.shape[axis]
            index = torch.arange((n // window + 1) * window, device=lr.device) % (2 * n)
            lr = lr.index_select(axis, torch.minimum(index, 2 * n - 1 - index))
    return lr


def in_larger(decode: Decode, lr: Float[Tensor, "b 3 h w"], larger: Float[Tensor, "b 3 height width"]) -> Decode:
    """`decode` of the larger image, for points of the original one, its upper left part."""
    share = lr.new_tensor([lr.shape[axis] / larger.shape[axis] for axis in (-2, -1)])
    return lambda coordinates, cell: decode(coordinates * share + (share - 1), cell * share)
