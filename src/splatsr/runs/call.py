"""From settings to a job: what is wrong in them is said before anything else happens."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import hydra
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from splatsr.disk.folder_lock import hold
from splatsr.errors import InputError
from splatsr.runs.configuration import root_keys
from splatsr.runs.run import Run
from splatsr.runs.setting_types import check_arguments, check_parts

_SEEDS = 2**32


def call_job(settings: Mapping[str, Any]) -> Any:
    """Calls the job that the settings (root keys of conf/run.yaml, plain values) name, with those that it takes.

    A job is a function of splatsr.jobs whose keyword arguments are root keys, and `run`, the `Run` that it is part of.

    Raises:
        InputError: a key is unknown or missing, or a value is not of the type that its reader wants, whether or not this job
            reads it.
    """
    if stray := sorted(set(settings) - root_keys()):
        raise InputError(f"nothing reads the key {stray[0]!r}; python run.py --cfg job prints those that there are.")
    seed = settings["seed"]
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < _SEEDS:
        raise InputError(f"seed must be a whole number from 0 to {_SEEDS - 1}; got {seed!r}.")
    if unread := sorted(set(settings["job"]) - {"_target_"}):
        raise InputError(f"nothing reads job.{unread[0]}; a job's settings are root keys.")
    job = hydra.utils.get_method(settings["job"]["_target_"])
    names = inspect.signature(job).parameters.keys() - {"run"}
    if missing := sorted(name for name in names if name not in settings):
        raise InputError(f"this job reads {missing[0]!r}, which is left out; give it as in conf/run.yaml.")
    arguments = {name: settings[name] for name in names}
    check_arguments(job, arguments, where="")
    for name in settings.keys() - names - {"job"}:
        check_parts(settings[name], name)
    if "run" not in inspect.signature(job).parameters:
        return job(**arguments)
    run = Run(Path(settings["run_dir"]), settings)
    if rank_zero_only.rank != 0:  # type: ignore[attr-defined] # kept on the function; the first process holds it for all
        return job(**arguments, run=run)
    with hold(run.folder):
        return job(**arguments, run=run)


def repeat(run: Run) -> Callable[[], Any]:
    """What the other processes of a run do: the same job with the same settings. Can be pickled."""
    return partial(call_job, dict(run.settings))
