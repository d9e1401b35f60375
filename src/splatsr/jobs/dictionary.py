"""job=dictionary: another dictionary from kernels that job=fit_prior has fitted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from rich.console import Console

from splatsr.errors import InputError
from splatsr.heads.dictionary import save_dictionary
from splatsr.jobs.fit_prior import read_fits


def dictionary(*, prior: Mapping[str, Any], input: str | None, output: str | None) -> None:
    """Arguments are the root keys of conf/run.yaml; `prior.dictionary` and `prior.kernels` count. Nothing is overwritten.

    Raises:
        InputError: input is no finished run, or output exists or cannot be written.
    """
    if input is None or output is None:
        raise InputError("job=dictionary needs input=<folder of a run of job=fit_prior> and output=<file.safetensors>.")
    target = Path(output)
    if target.suffix != ".safetensors":
        raise InputError(f"output must end in .safetensors; got {output}.")
    if target.exists():
        raise InputError(f"{target} exists already; nothing is overwritten, choose another output.")
    fits, _ = read_fits(Path(input))
    rows = instantiate(prior["dictionary"])(fits.pooled(prior["kernels"]))
    target.parent.mkdir(parents=True, exist_ok=True)
    save_dictionary(rows, target)
    told = f"{target}: {len(rows)} rows; use it with model/shapes/dictionary=file model.shapes.dictionary.file={target}"
    Console().print(told, soft_wrap=True)
