"""Dictionaries for DDCW from fitted kernels: rows (l11, l21, l22) in pixels of the fitted image, l11 and l22 not negative."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Annotated

import torch
from annotated_types import Ge, Le, Len
from jaxtyping import Float
from torch import Tensor

from splatsr.bounds import Seed, Width
from splatsr.errors import InputError
from splatsr.heads.dictionary import normal_dictionary

LARGEST = 65536
"""Rows of a dictionary: every kernel is compared with each of them."""

Rows = Float[Tensor, "rows l11_l21_l22=3"]


def grid(
    kernels: Float[Tensor, "n l11_l21_l22=3"],
    *,
    levels: Annotated[Sequence[Annotated[int, Ge(1), Le(1000)]], Len(3, 3)],
    zero_row: bool,
) -> Rows:
    """Every combination of quantiles, l11 slowest and l22 fastest as in the published grid: of n levels, level k is the
    quantile (k + 1/2) / n. `zero_row` adds the published last row of zeros.

    Raises:
        InputError: there are not three whole numbers of levels, or they give more than `LARGEST` rows.
    """
    if len(levels) != 3 or any(not isinstance(count, int) or count < 1 for count in levels):
        raise InputError(f"levels must be three whole numbers of at least 1 (of l11, l21, l22), got {list(levels)}.")
    _check_count(math.prod(levels) + bool(zero_row))
    axes = []
    for entry, count in zip(kernels.double().T, levels, strict=True):
        ordered = entry.sort().values  # torch.quantile takes no more than 16 million
        position = (torch.arange(count) + 0.5) / count * (len(ordered) - 1)
        low, share = position.floor().long(), position.frac()
        axes.append(torch.lerp(ordered[low], ordered[(low + 1).clamp_max(len(ordered) - 1)], share.double()))
    rows = torch.tensor(list(itertools.product(*(axis.tolist() for axis in axes))), dtype=torch.float32)
    return torch.cat([rows, torch.zeros(1, 3)]) if zero_row else rows


def normal(kernels: Float[Tensor, "n l11_l21_l22=3"], *, rows: Width, seed: Seed) -> Rows:
    """Rows from independent normal distributions with the kernels' means and deviations; l11 and l22 are clipped at 0."""
    _check_rows(rows)
    mean, deviation = kernels.double().mean(0).tolist(), kernels.double().std(0).tolist()
    return normal_dictionary(rows=rows, mean=mean, deviation=deviation, seed=seed)


def sampled(kernels: Float[Tensor, "n l11_l21_l22=3"], *, rows: Width, seed: Seed) -> Rows:
    """Rows that are kernels, each drawn no more than once.

    Raises:
        InputError: there are fewer kernels than rows.
    """
    _check_rows(rows)
    if rows > len(kernels):
        raise InputError(f"{len(kernels)} fitted kernels cannot give {rows} rows: fit more crops, or ask for fewer rows.")
    return kernels[torch.randperm(len(kernels), generator=torch.Generator().manual_seed(seed))[:rows]].float()


def check_size(dictionary: Callable[[Tensor], Tensor], kernels: int) -> None:
    """InputError, before anything is fitted, where a dictionary of this file would refuse as many kernels, or be too large."""
    settings = getattr(dictionary, "keywords", {})
    rows = math.prod(settings["levels"]) + bool(settings["zero_row"]) if "levels" in settings else settings.get("rows", 1)
    _check_count(rows)
    if getattr(dictionary, "func", None) is sampled and rows > kernels:
        raise InputError(
            f"prior.dictionary.rows={rows}: {kernels} fitted kernels cannot give as many; fit more crops (prior.crops), or ask "
            "for fewer rows."
        )


def _check_count(rows: int) -> None:
    if rows > LARGEST:
        raise InputError(f"prior.dictionary would have {rows} rows; at most {LARGEST} are possible.")


def _check_rows(rows: int) -> None:
    if not isinstance(rows, int) or rows < 1:
        raise InputError(f"a dictionary needs a whole number of rows, at least 1; got {rows!r}.")
    _check_count(rows)
