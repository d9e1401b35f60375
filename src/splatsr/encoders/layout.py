"""How images lie in memory."""

import torch
from jaxtyping import Float
from torch import Tensor


def for_speed(lr: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """The same image, channels last in memory where no gradient is wanted; what is computed from it inherits that.

    On CPUs, pixel shuffles then take a fifth of the time, convolutions 5 to 10 % less, and the heads get the channels of a
    position side by side without a copy. Backward passes of convolutions are slower in that order, by a quarter.
    """
    return lr if torch.is_grad_enabled() else lr.contiguous(memory_format=torch.channels_last)
