"""Which folder a run takes: a new one, or the one to go on in."""

import os
import time
from datetime import datetime
from pathlib import Path

from omegaconf import OmegaConf

from splatsr.disk.folder_lock import is_free
from splatsr.disk.read_back import read_text
from splatsr.disk.whole_file import write_text
from splatsr.errors import InputError
from splatsr.runs.run import CONFIG, FINISHED

PATIENCE = 2.0
"""Seconds in which a run that was killed just now gives its folder back."""


AGREEMENT = 120.0
"""Seconds in which the first task of a Slurm step has chosen a run: programs start at different speeds on a cluster."""


def register_resolvers() -> None:
    """What conf/run.yaml and conf/trainer/slurm.yaml refer to:

    `run_folder` names the folder that a run's results go to: a new one, or with `resume` the one to go on in;
    `multirun_folder` does so for a multirun. `slurm_nodes` is the number of machines of the Slurm job that this process belongs
    to. `square` is what conf/experiment/srno.yaml counts pixels by.
    """
    OmegaConf.register_new_resolver("run_folder", run_folder, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("multirun_folder", multirun_folder, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("slurm_nodes", slurm_nodes, replace=True)
    OmegaConf.register_new_resolver("square", lambda side: side**2 if isinstance(side, int) else side, replace=True)


def run_folder(job: str, experiment: str | None, resume: str | None) -> str:
    """outputs/<job>/<experiment>/<time>, or what `resume` asks for: a folder, that of a checkpoint, or with "auto" the
    unfinished run that was worked on last and is not in use. The first task of a Slurm step looks for that, for all of them.

    Raises:
        InputError: torchrun has started several processes, which would choose different names; or the first task of this
            Slurm step has chosen none.
    """
    home = Path("outputs") / job / (experiment or "default")
    if resume == "auto" and slurm_tasks() > 1:
        return _agreed(home, job)
    if resume == "auto":
        if (unfinished := _unfinished(home, job)) is not None:
            return str(unfinished)
    elif resume is not None and str(resume).endswith(".ckpt"):
        if Path(resume).parent.name != "checkpoints":
            raise InputError(f"resume={resume}: expected a checkpoint in a run's folder, <run>/checkpoints/<name>.ckpt.")
        return str(Path(resume).parent.parent)
    elif resume is not None:
        return str(resume)
    if slurm_tasks() > 1:
        return str(_of_this_step(home))
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("torchrun started several processes, and they need a folder in common: give hydra.run.dir=<folder>.")
    return str(_new(home))


def _unfinished(home: Path, job: str) -> Path | None:
    """The unfinished run in `home` that was worked on last and that no process works in."""
    begun = [path.parent for path in home.glob(f"*/{CONFIG}") if not (path.parent / FINISHED.get(job, CONFIG)).exists()]
    for index, run in enumerate(sorted(begun, key=_worked_on, reverse=True)):
        if is_free(run, patience=0.0 if index else PATIENCE):
            return run
    return None


def _of_this_step(home: Path) -> Path:
    """A folder in `home` with a name that all tasks of this Slurm step find."""
    return home / f"slurm-{os.environ['SLURM_JOB_ID']}-{os.environ['SLURM_STEP_ID']}"


def _agreed(home: Path, job: str) -> str:
    """What the first task of this Slurm step finds to go on with. The others read it: once that task works in a folder,
    they would take it for in use."""
    step = _of_this_step(home).name
    note = home / f".{step}-{os.environ.get('SLURM_RESTART_COUNT', '0')}.txt"
    if os.environ["SLURM_PROCID"] == "0":
        chosen = str(_unfinished(home, job) or home / step)
        write_text(note, chosen)
        return chosen
    deadline = time.monotonic() + AGREEMENT
    while not note.exists():
        if time.monotonic() > deadline:
            raise InputError(
                f"the first task of {step} has not said within {AGREEMENT:.0f} s which run to go on with ({note} is not "
                "there): do all tasks work in the same shared folder? Else name the run: resume=<folder>."
            )
        time.sleep(0.1)
    return read_text(note)


def _new(home: Path) -> Path:
    """A folder in `home` that is named by the time, and does not exist yet."""
    stamp = home / datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    return stamp if not stamp.exists() else stamp.with_name(f"{stamp.name}-{os.getpid()}")


def why_anew(folder: Path, job: str) -> str:
    """What `resume="auto"` found beside the new folder that it chose: nothing to go on with, and why."""
    others = sorted(path.parent for path in folder.parent.glob(f"*/{CONFIG}") if path.parent != folder)
    if not others:
        return f"there is no earlier run in {folder.parent}"
    finished = sum((other / FINISHED.get(job, CONFIG)).exists() for other in others)
    used = len(others) - finished
    states = [f"{number} {state}" for number, state in ((finished, "finished"), (used, "in use")) if number]
    return f"no run in {folder.parent} is unfinished and free ({', '.join(states)})"


def _worked_on(run: Path) -> float:
    """When a run wrote its last checkpoint, or began."""
    last = run / "checkpoints/last.ckpt"
    return (last if last.exists() else run / CONFIG).stat().st_mtime


def multirun_folder(resume: str | None) -> str:
    """outputs/multirun/<time>, or the multirun's folder that `resume` names.

    Raises:
        InputError: that folder is none of a multirun.
    """
    if resume in (None, "auto"):
        return str(_new(Path("outputs/multirun")))
    if not (Path(resume) / "multirun.yaml").is_file():
        raise InputError(f"resume={resume}: no multirun.yaml there; with -m it names the folder of a multirun.")
    return str(resume)


def slurm_tasks() -> int:
    """Processes that srun started together with this one."""
    return int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))


def slurm_nodes() -> int:
    """Machines of the Slurm job; InputError where Slurm has not started this process."""
    if "SLURM_PROCID" not in os.environ:
        raise InputError(
            "trainer=slurm is for processes that Slurm started: srun python run.py trainer=slurm ..., or "
            "python run.py -m hydra/launcher=slurm trainer=slurm ...; elsewhere use trainer=ddp."
        )
    return int(os.environ["SLURM_NNODES"])
