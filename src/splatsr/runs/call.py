"""From settings to a job: what is wrong in them is said before anything else happens."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Len
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from splatsr.arguments import check_value
from splatsr.bounds import AtLeastOne, ImageSize, Natural, NonNegative, OutputSize, ScaleFactor, Seed, Side
from splatsr.devices import Device, Precision, Renderer
from splatsr.disk.disk_errors import lost_folder
from splatsr.disk.folder_lock import hold
from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.runs.configuration import root_keys
from splatsr.runs.folders import PATIENCE
from splatsr.runs.run import Run
from splatsr.runs.setting_types import check_arguments, check_parts
from splatsr.runs.targets import check_root_parts, find_job
from splatsr.splatting.choice import use_renderer

_FACTOR = Annotated[Number, Gt(0), Le(1_000_000)]

_OF_ALL_JOBS: Mapping[str, Any] = {
    "seed": Seed,
    "run_dir": str,
    "resume": str | None,
    "checkpoint": str | None,
    "encoder_checkpoint": str | None,
    "input": str | int | Annotated[Sequence[str], AtLeastOne] | None,
    "output": str | int | Annotated[Sequence[str], AtLeastOne] | None,
    "device": Device,
    "precision": Precision,
    "renderer": Renderer,
    "self_ensemble": bool,
    "pictures": Natural,
    "scales": Annotated[Sequence[ScaleFactor], AtLeastOne],
    "metrics": Sequence[str] | None,
    "compile": str | None,
    "beside": Mapping[str, str],
    "runs": Annotated[Sequence[str], AtLeastOne] | None,
    "scale": _FACTOR | Annotated[Sequence[_FACTOR], Len(2, 2)] | None,
    "size": OutputSize | None,
    "fit": ImageSize | None,
    "format": str | None,
    "suffix": str | int | None,
    "quality": Annotated[int, Ge(1), Le(100)] | None,
    "window": Annotated[Sequence[Annotated[Sequence[NonNegative], Len(2, 2)]], Len(2, 2)] | None,
    "bits": Annotated[int, Ge(8), Le(16)],
    "tile": Literal["auto"] | Side,
}
"""Annotations of root keys, whether or not a job takes them."""


_GO_ON = ("train", "fit_prior")
"""Jobs that go on where they were killed."""


_OF_EVERY_RUN = ("job", "seed", "resume", "run_dir", "renderer")
"""Root keys that are no job's own."""


def call_job(settings: Mapping[str, Any], asked: Sequence[str] = ()) -> Any:
    """Calls the job that the settings (root keys of conf/run.yaml, plain values) name, with those that it takes.

    A job is a function of splatsr.jobs whose keyword arguments are root keys, and `run`, the `Run` that it is part of.

    Args:
        settings: all of them, whether this job reads them or not.
        asked: the arguments of the command line, as in "trainer.devices=2". (What a configuration file sets may be meant for
            several jobs.)

    Raises:
        InputError: a key is unknown or missing, a value is not of the type that its reader wants, whether or not this job
            reads it, or the command line sets what only other jobs read.
    """
    if stray := sorted(set(settings) - root_keys()):
        raise InputError(f"nothing reads the key {stray[0]!r}; python run.py --cfg job prints those that there are.")
    if "job" not in settings:
        raise InputError("job is left out; choose one of conf/job/, for example job=train.")
    job = find_job(settings["job"])
    names = inspect.signature(job).parameters.keys() - {"run"}
    if missing := sorted(name for name in names if name not in settings):
        raise InputError(f"this job reads {missing[0]!r}, which is left out; give it as in conf/run.yaml.")
    arguments = {name: settings[name] for name in names}
    check_root_parts({name: settings[name] for name in settings if name != "job"})
    for name in settings:
        check_value(settings[name], _OF_ALL_JOBS.get(name, object), name)
    check_arguments(job, arguments, where="")
    for name in sorted(settings.keys() - names - {"job"}):
        check_parts(settings[name], name)
    for argument in asked:
        name = re.split(r"[./@=]", argument.lstrip("+~"), maxsplit=1)[0]
        if name in root_keys() - names - {*_OF_EVERY_RUN}:
            raise InputError(f"job={job.__name__} does not read {name}, which {argument} sets; leave it out.")
    if settings["resume"] not in (None, "auto") and job.__name__ not in _GO_ON:
        raise InputError(
            f"resume is for {' and '.join(_GO_ON)}, and for multiruns (-m); job={job.__name__} has nothing to go on with."
        )
    use_renderer(settings["renderer"])
    if "run" not in inspect.signature(job).parameters:
        return job(**arguments)
    run = Run(Path(settings["run_dir"]), settings)
    if rank_zero_only.rank != 0:  # type: ignore[attr-defined] # kept on the function; the first process holds it for all
        return job(**arguments, run=run)
    with hold(run.folder, patience=PATIENCE):
        try:
            return job(**arguments, run=run)
        except Exception as error:
            if (lost := lost_folder(error, run.folder)) is None:
                raise
            raise InputError(
                f"{lost} has been moved or deleted while the run worked in it; put it back and resume it, or start anew."
            ) from error


def repeat(run: Run) -> Callable[[], Any]:
    """What the other processes of a run do: the same job with the same settings. Can be pickled."""
    return partial(call_job, dict(run.settings))
