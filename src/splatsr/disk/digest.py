"""A digest of tensors and what is said of them, by which a file that holds both knows damage."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def digest(description: Any, tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of a description (plain values) and of tensors with their names, types and shapes."""
    found = hashlib.sha256(json.dumps(description).encode())
    for name in sorted(tensors):
        found.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        found.update(tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
