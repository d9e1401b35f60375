"""job=dictionary: another dictionary from kernels that job=fit_prior has fitted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from splatsr.disk.folder_lock import check_free
from splatsr.errors import InputError
from splatsr.heads.dictionary import save_dictionary
from splatsr.prior.settings import PriorSettings
from splatsr.runs.configuration import instantiate
from splatsr.runs.prior_collection import read_fits


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
    check_free(target.parent)
    settings: PriorSettings = instantiate(prior, "prior")
    fits, _ = read_fits(Path(input))
    rows = settings.dictionary(fits.pooled(settings.kernels))
    save_dictionary(rows, target)
    use = f"model/shapes/dictionary=file model.shapes.dictionary.file={target}"
    Console().print(f"{target}: {len(rows)} rows; use it with {use}", soft_wrap=True)
