"""Fitted crops on the disk: a file of fields and a file of figures per chunk, in the folder `fields` of a run.

`<chunk>.safetensors` is a `GaussianField` of the chunk's crops, `<chunk>.json` says which they are and how well they were
fitted. Both appear whole, the second one last: a chunk without it has not been fitted.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.disk.read_back import read_json
from splatsr.disk.whole_file import write_json
from splatsr.errors import InputError
from splatsr.image.field import GaussianField
from splatsr.prior.crops import Crop
from splatsr.prior.statistics import describe, shape_values, unsigned, visible

POOLED = 10_000_000
"""Kernels that statistics are made of. Where there are more, evenly spaced ones are taken; what that does to a percentile is
smaller than any digit that is printed."""


LARGEST_FIGURE = 1e9
"""Beyond this a file is damaged: decibels and seconds of a chunk are far smaller."""


def save_chunk(
    folder: Path, index: int, *, first: int, crops: Sequence[Crop], field: GaussianField, psnr: Tensor, seconds: float
) -> None:
    """Writes chunk `index`, the first crop of which is crop `first` of all."""
    folder.mkdir(parents=True, exist_ok=True)
    field.save(folder / f"{index:05d}.safetensors")
    records = [
        {
            "number": first + k,
            "photograph": str(crop.photograph),
            "top": crop.top,
            "left": crop.left,
            "psnr": float(psnr[k]),
            "shapes": describe(shape_values(field.cholesky[k])),
        }
        for k, crop in enumerate(crops)
    ]
    write_json(folder / f"{index:05d}.json", {"seconds": seconds, "crops": records})


def done_chunks(folder: Path) -> set[int]:
    """The indices of the chunks that have been fitted."""
    return {int(path.stem) for path in folder.glob("*.json") if path.stem.isdecimal()}


class Fits:
    """All fitted crops of a run.

    Args:
        folder: of the run.
        crops: how many there have to be.
        batch: crops of a chunk.

    Raises:
        InputError: some are missing.
    """

    def __init__(self, folder: Path, *, crops: int, batch: int) -> None:
        chunks, self.folder = -(-crops // batch), folder / "fields"
        self.indices = sorted(done_chunks(self.folder))
        if len(self.indices) != chunks or self.indices != list(range(chunks)):  # a damaged file may speak of any number
            raise InputError(
                f"{self.folder} holds {len(self.indices)} of {chunks} chunks of fitted crops: finish the run first, "
                f"job=fit_prior resume={folder}."
            )

    def chunks(self) -> Iterator[tuple[GaussianField, dict[str, Any]]]:
        """The field of each chunk and what its .json says, in the crops' order; InputError where a file is damaged."""
        for index in self.indices:
            figures = read_json(self.folder / f"{index:05d}.json")
            if not _are_figures(figures):
                raise InputError(
                    f"{self.folder}/{index:05d}.json is damaged: it does not say which crops were fitted, and how well."
                )
            field = GaussianField.load(self.folder / f"{index:05d}.safetensors")
            if (fitted := field.means.shape[0]) != (said := len(figures["crops"])):
                raise InputError(
                    f"{self.folder}/{index:05d}.json is damaged: it speaks of {said} crops, and {fitted} were fitted."
                )
            yield field, figures

    def pooled(self, kernels: str) -> Float[Tensor, "n l11_l21_l22=3"]:
        """Cholesky rows of all crops' kernels, as `unsigned`; "all", or only those "visible" in their crop.

        Raises:
            InputError: `kernels` is none of the two, or no kernel is visible.
        """
        check_kernels(kernels)
        rows, every = [], None
        for field, figures in self.chunks():
            every = every or max(1, -(-len(self.indices) * len(figures["crops"]) * len(field) // POOLED))
            chosen = field.cholesky[visible(field)] if kernels == "visible" else field.cholesky.flatten(0, 1)
            rows.append(unsigned(chosen)[::every])
        pooled = torch.cat(rows)
        if not len(pooled):
            raise InputError("no kernel of any crop reaches a pixel; use prior.kernels=all.")
        return pooled


def _are_figures(figures: Any) -> bool:
    """Whether they are such as `save_chunk` writes."""
    return (
        isinstance(figures, dict)
        and _is_number(figures.get("seconds"))
        and isinstance(figures.get("crops"), list)
        and all(_is_crop(crop) for crop in figures["crops"])
    )


def _is_crop(crop: Any) -> bool:
    expected = {"number": int, "photograph": str, "top": int, "left": int, "psnr": float | int, "shapes": dict}
    return (
        isinstance(crop, dict)
        and all(isinstance(crop.get(key), kind) for key, kind in expected.items())
        and min(crop["top"], crop["left"]) >= 0
        and (crop["psnr"] == math.inf or _is_number(crop["psnr"]))
    )


def _is_number(value: Any) -> bool:
    """Whether it is one that a measurement can have: seconds, or dB."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST_FIGURE


def check_kernels(kernels: str) -> None:
    """InputError unless `kernels` is all or visible."""
    if kernels not in ("all", "visible"):
        raise InputError(f"prior.kernels must be all or visible; got {kernels!r}.")
