"""Dictionaries of predefined kernels: rows (l11, l21, l22), Cholesky entries in pixels of a x4 image.

The Deep Gaussian Prior (ContinuousSR section 4.2) says how such entries are distributed in photographs. The paper speaks of
covariances sampled from it (section 4.3, equation 6); the published model holds Cholesky entries on a fixed grid, and so does
the default here. `splatsr.prior` collects such a prior from photographs, and makes dictionaries of it.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
from annotated_types import Len
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from splatsr.bounds import LARGEST_ENTRY, Deviation, Entry, Seed, Width
from splatsr.disk.whole_file import whole_file
from splatsr.errors import InputError

_L11 = (0.0, 0.41, 0.62, 0.98, 1.13, 1.29, 1.64, 1.85, 2.36)
_L21 = (-0.86, -0.36, -0.16, 0.19, 0.34, 0.49, 0.84, 1.04, 1.54)
_L22 = (0.0, 0.33, 0.53, 0.88, 1.03, 1.18, 1.53, 1.73, 2.23)


def published_dictionary() -> Float[Tensor, "730 l11_l21_l22=3"]:
    """The published model's 730 rows: the 9 x 9 x 9 grid, l11 slowest and l22 fastest, and a last row of zeros."""
    grid = torch.cartesian_prod(torch.tensor(_L11), torch.tensor(_L21), torch.tensor(_L22))
    return torch.cat([grid, torch.zeros(1, 3)])


def normal_dictionary(
    *,
    rows: Width,
    mean: Annotated[Sequence[Entry], Len(3, 3)],
    deviation: Annotated[Sequence[Deviation], Len(3, 3)],
    seed: Seed,
) -> Float[Tensor, "{rows} l11_l21_l22=3"]:
    """Rows drawn from independent normal priors of (l11, l21, l22); l11 and l22 are clipped at 0 as published."""
    noise = torch.randn(rows, 3, generator=torch.Generator().manual_seed(seed))
    entries = torch.tensor(mean) + torch.tensor(deviation) * noise
    return torch.stack([entries[:, 0].clamp_min(0), entries[:, 1], entries[:, 2].clamp_min(0)], dim=1)


def uniform_dictionary(*, rows: Width, low: Entry, high: Entry, seed: Seed) -> Float[Tensor, "{rows} l11_l21_l22=3"]:
    """Rows drawn uniformly from [low, high], all three entries alike (the paper's ablation: [0, 1] and [0, 10])."""
    if not low < high:
        raise ValueError(f"low must be less than high (pixels of a x4 image), got {low} and {high}.")
    return low + (high - low) * torch.rand(rows, 3, generator=torch.Generator().manual_seed(seed))


def file_dictionary(*, file: str | None) -> Float[Tensor, "rows l11_l21_l22=3"]:
    """The rows of a file that `save_dictionary` wrote.

    Raises:
        InputError: no file is named, or it is missing, damaged, or no dictionary.
    """
    if file is None:
        raise InputError(
            "model/shapes/dictionary=file needs model.shapes.dictionary.file=<a dictionary of job=fit_prior or job=dictionary>."
        )
    if not os.path.isfile(file):
        raise InputError(f"{file}: no such file; expected a dictionary that job=fit_prior or job=dictionary has made.")
    try:
        tensors = load_file(file)
    except (SafetensorError, ValueError, RuntimeError, OSError, MemoryError) as error:
        raise InputError(f"{file} is damaged or not a safetensors file ({' '.join(str(error).split())}).") from error
    rows = tensors.get("dictionary")
    if rows is None or rows.ndim != 2 or rows.shape[1] != 3 or not len(rows) or not _are_entries(rows):
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        raise InputError(
            f"{file} holds no dictionary: expected one tensor of rows (l11, l21, l22) up to "
            f"{LARGEST_ENTRY} pixels, found {shapes}."
        )
    return rows.float()


def _are_entries(rows: Tensor) -> bool:
    floating = rows.dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    return floating and bool((rows.abs() <= LARGEST_ENTRY).all())


def save_dictionary(rows: Float[Tensor, "rows l11_l21_l22=3"], path: str | Path) -> None:
    """Writes rows (l11, l21, l22), pixels of a x4 image, for `file_dictionary`. Never leaves a half-written file."""
    with whole_file(path) as partial:
        partial.write_bytes(save({"dictionary": rows.float().contiguous()}))


def listed_dictionary(
    *, rows: Annotated[Sequence[Annotated[Sequence[Entry], Len(3, 3)]], Len(1, 65536)]
) -> Float[Tensor, "rows l11_l21_l22=3"]:
    """Rows that a model's configuration lists: what `carry_rows` makes of a dictionary's file."""
    return torch.tensor(rows, dtype=torch.float32)


def carry_rows(config: Any) -> Any:
    """A model's configuration with the rows of a dictionary's file instead of the file's name, as nested plain dicts, so
    that the model can be saved and loaded without that file."""
    if not isinstance(config, Mapping):
        return config
    if config.get("_target_") == f"{__name__}.{file_dictionary.__name__}":
        rows = file_dictionary(file=config["file"])
        return {"_target_": f"{__name__}.{listed_dictionary.__name__}", "rows": rows.tolist()}
    return {key: carry_rows(value) for key, value in config.items()}
