"""A GaussianField as a file: written whole, and read back with suspicion.

safetensors with the tensors `means`, `cholesky` and `colors`. Metadata: what format it is; `size`, `reference_scale` and
`margin` as JSON; and a digest of all of it, by which damage is known (files without one were written before there was any).
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from splatsr.disk.digest import digest
from splatsr.disk.whole_file import whole_file
from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.splatting.footprint import REFERENCE_SCALE, check_reference_scale

_FORMAT = "splatsr.GaussianField"

_DIGEST = "sha256"

_LARGEST_SIDE = 2**31 - 1
"""LR pixels."""


class FieldContent(NamedTuple):
    """What a field's file holds: the arguments of `GaussianField`."""

    means: Float[Tensor, "b n xy=2"]
    cholesky: Float[Tensor, "b n l11_l21_l22=3"]
    colors: Float[Tensor, "b n c"]
    size: tuple[int, int]
    reference_scale: Number
    margin: int


def write_field(path: str | Path, content: FieldContent) -> None:
    """Never leaves a half-written file."""
    tensors = {name: getattr(content, name).detach().cpu().contiguous() for name in ("means", "cholesky", "colors")}
    facts = {"size": list(content.size), "reference_scale": content.reference_scale, "margin": content.margin}
    metadata = {name: json.dumps(value) for name, value in facts.items()}
    with whole_file(path) as partial:
        partial.write_bytes(save(tensors, metadata={"format": _FORMAT, **metadata, _DIGEST: digest(metadata, tensors)}))


def read_field(path: str | Path) -> FieldContent:
    """What `write_field` wrote, on the CPU.

    Raises:
        InputError: the file is missing, damaged, or not a field: of another format, without a size, with tensors whose shapes
            or types do not go together, or with numbers that are not finite.
    """
    path = Path(path)
    if not os.path.isfile(path):  # False too where the system takes no such name
        raise InputError(f"{path}: no such file; expected a field written by GaussianField.save.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != _FORMAT:
                raise InputError(f"{path} is not a saved GaussianField (format {metadata.get('format')!a:.80}).")
            tensors = {name: file.get_tensor(name) for name in ("means", "cholesky", "colors")}
    except InputError:
        raise
    except (SafetensorError, ValueError, RuntimeError, OSError, MemoryError) as error:  # of Python too, whatever stands in it
        raise InputError(f"{path} is damaged, or no saved field ({_words(error)}).") from error
    facts = {name: metadata[name] for name in ("size", "reference_scale", "margin") if name in metadata}
    if _DIGEST in metadata and metadata[_DIGEST] != digest(facts, tensors):
        raise InputError(f"{path} is damaged: it does not hold what was written. Make it again.")
    if fault := _fault_of_tensors(**tensors):
        raise InputError(f"{path} holds no field: {fault}.")
    return FieldContent(**tensors, **_read_facts(facts, path))


def _fault_of_tensors(means: Tensor, cholesky: Tensor, colors: Tensor) -> str | None:
    """Why the tensors are no field's; None where they are."""
    shapes = [tuple(tensor.shape) for tensor in (means, cholesky, colors)]
    if [len(shape) for shape in shapes] != [3, 3, 3] or len({shape[:2] for shape in shapes}) != 1:
        return (
            f"means, cholesky and colors are {shapes[0]}, {shapes[1]} and {shapes[2]}, not (B, N, 2), (B, N, 3) and (B, N, C)"
        )
    if (shapes[0][2], shapes[1][2]) != (2, 3) or 0 in (shapes[0][0], shapes[2][2]):
        return (
            f"means, cholesky and colors are {shapes[0]}, {shapes[1]} and {shapes[2]}, not (B, N, 2), (B, N, 3) and (B, N, C)"
        )
    types = {tensor.dtype for tensor in (means, cholesky, colors)}
    if types not in ({torch.float32}, {torch.float64}):
        return (
            f"its numbers are {', '.join(sorted(str(one).removeprefix('torch.') for one in types))}, not all float32 or float64"
        )
    if not all(bool(tensor.isfinite().all()) for tensor in (means, cholesky, colors)):
        return "it has values that are not finite"
    return None


def _read_facts(facts: Mapping[str, str], path: Path) -> dict[str, Any]:
    """The size, the reference scale and the margin; InputError where they are none."""
    try:
        size = json.loads(facts.get("size", "null"))
        reference_scale = json.loads(facts.get("reference_scale", str(REFERENCE_SCALE)))
        margin = json.loads(facts.get("margin", "0"))
    except (ValueError, RecursionError) as error:  # numbers of 5000 digits are a ValueError
        raise InputError(f"{path} is damaged: what it says of the field is no JSON ({_words(error)}).") from error
    if not isinstance(size, list) or len(size) != 2 or not all(_is_whole(side, 1) for side in size):
        raise InputError(f"{path} is damaged: its size is {facts.get('size', 'left out')[:80]!a}, expected [height, width].")
    if not _is_whole(margin, 0):
        raise InputError(f"{path} is damaged: its margin is {facts['margin'][:80]!a}, expected a number of LR pixels.")
    try:
        check_reference_scale(None if isinstance(reference_scale, bool) else reference_scale)
        number = math.inf if reference_scale > 1e308 else reference_scale  # whole numbers may be beyond all others
    except (ValueError, OverflowError) as error:
        raise InputError(f"{path} is damaged: {_words(error)}") from error
    return {"size": (size[0], size[1]), "reference_scale": number, "margin": margin}


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= _LARGEST_SIDE


def _words(error: Exception) -> str:
    return ascii(str(error))[1:-1][:200] or type(error).__name__
