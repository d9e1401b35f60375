"""What a state dict from a file must be before anything is computed of it: names, and dense tensors of numbers on the CPU."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from splatsr.errors import InputError
from splatsr.image_files.one_line import one_line

FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Types that weights may have in a file; they are cast to the model's."""

WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool)
"""Types of buffers that count or choose."""


def check_state(state: Mapping[Any, Any], source: str) -> None:
    """Checks names, kinds and types; no value is looked at.

    Raises:
        InputError: a name is no text, or what it names is no tensor, one of another type than `FLOATING` and `WHOLE`, or one
            that is sparse, nested, quantized, without values, or whose values repeat fewer that are stored.
    """
    for name, tensor in state.items():
        if not isinstance(name, str):
            raise InputError(f"{source} is damaged: a name in its state dict is no text, but {type(name).__name__}.")
        if fault := _fault(tensor):
            raise InputError(f"{source} is refused: {one_line(name)} in its state dict is {fault}; expected a plain tensor.")


def stored_bytes(state: Mapping[str, Tensor]) -> int:
    """Bytes that checked tensors take in the file; those that share memory count once."""
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in state.values()}
    return sum(storages.values())


def _fault(tensor: Any) -> str | None:
    """Why the entry is no plain tensor; None if it is one."""
    if not isinstance(tensor, Tensor):
        return f"no tensor, but {type(tensor).__name__}"
    if tensor.is_nested:
        return "nested"
    if tensor.layout != torch.strided:
        return f"sparse ({tensor.layout})"
    if tensor.dtype not in FLOATING + WHOLE:  # those of quantized tensors too
        return f"of the type {str(tensor.dtype).removeprefix('torch.')}"
    if tensor.device.type != "cpu":
        return f"without values (on the device {tensor.device.type})"
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        return f"of shape {tuple(tensor.shape)}, and fewer values are stored"
    return None
