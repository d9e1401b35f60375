"""Networks in half precision: encoders and hidden layers compute in it, what sets colors and positions stays in float32.

bfloat16 keeps 8 bits of every number. Rounded once, a color is off by half a level; rounded after every block, by more. So
images go into a network in float32, sums of residual branches are kept in it, and so is the last layer of every head.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

_NATIVE = "avx512_bf16", "amx_bf16", "arm_bf16", "bf16"


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies in bfloat16 itself; one that has to emulate it is slower than in float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return any(capabilities.get(name) for name in _NATIVE)


def computing_in(precision: torch.dtype, device: torch.device) -> AbstractContextManager[object]:
    """Within it, convolutions and linear layers compute in that type; float32 leaves everything as it is."""
    return nullcontext() if precision == torch.float32 else torch.autocast(device.type, precision)


def in_float32(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """layer(x), in float32 also where everything around computes in half precision."""
    if not torch.is_autocast_enabled(x.device.type):
        return layer(x)
    with torch.autocast(x.device.type, enabled=False):
        return layer(x.float())


def widened(tensor: Tensor) -> Tensor:
    """The tensor in float32, or in float64 where it is in that."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()
