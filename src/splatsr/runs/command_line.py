"""From the command line to a job: composes the configuration, calls the job, and turns user errors into one line.

A job is a function of splatsr.jobs whose keyword arguments are root keys of conf/run.yaml; it gets plain values, lists and
dicts, so that nothing else in the package knows Hydra's configuration objects.
"""

import difflib
import inspect
import os
import re
import sys
import traceback
from datetime import datetime
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from splatsr.errors import InputError

CONF = Path(__file__).parents[3] / "conf"

_TRACES = {"train": ("checkpoints/last.ckpt", "metrics.json"), "fit_prior": ("fields", "statistics.json")}
"""What a run of a job that can be resumed has in its folder when it has begun, and when it is finished."""


_refusals: list[str] | None = None
"""What went wrong in the runs of this command line; Hydra would print errors in its own words if they passed through it.
None in a process that a cluster's launcher started: there is no `main` in it that would print."""


def main() -> int:
    """Runs the command line in sys.argv; returns the exit code. HYDRA_FULL_ERROR=1 shows tracebacks of user errors too."""
    global _refusals
    register_resolvers()
    _refusals = []
    shown = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of printing, and this function prints
    try:
        _run()
    except Exception as error:
        if shown == "1" or (refusal := explain(error)) is None:
            raise
        _refusals.append(refusal)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; go on with resume=auto if this was a training.\n")
        return 130
    finally:
        os.environ.pop("HYDRA_FULL_ERROR")
        if shown is not None:
            os.environ["HYDRA_FULL_ERROR"] = shown
    for refusal in _refusals:
        sys.stderr.write(f"error: {refusal}\n")
    return 1 if _refusals else 0


def refuse(text: str) -> None:
    """Makes this command line end with the line `text` and an error."""
    if _refusals is None:
        raise InputError(text)
    _refusals.append(text)


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="run")
def _run(cfg: DictConfig) -> None:
    _run_one(cfg)


def _run_one(cfg: DictConfig) -> None:
    register_resolvers()  # here too: a cluster's launcher calls it in processes of its own
    try:
        settings = OmegaConf.to_container(cfg, resolve=True)
        if HydraConfig.get().mode == RunMode.MULTIRUN and settings["resume"] is not None:
            if (Path(settings["run_dir"]) / "metrics.json").exists():
                return
            settings["resume"] = "auto"  # its folder is chosen already
        call_job(settings)
    except Exception as error:
        refusal = explain(error)
        if _refusals is None and _slurm_tasks() > 1:  # Hydra would keep it, and the other tasks would wait for this one
            traceback.print_exc()
            sys.exit(f"error: {refusal or error}")
        if _refusals is None or refusal is None:
            raise
        _refusals.append(refusal)


def call_job(settings: dict[str, Any]) -> None:
    """Calls the job that the settings (root keys of conf/run.yaml, plain values) name, with those that it takes."""
    job = hydra.utils.get_method(settings["job"]["_target_"])
    job(**{name: settings if name == "settings" else settings[name] for name in inspect.signature(job).parameters})


def register_resolvers() -> None:
    """`run_folder` names the folder that a run's results go to: a new one, or with `resume` the one to go on in;
    `multirun_folder` does so for a multirun. `slurm_nodes` is the number of machines of the Slurm job that this process belongs
    to."""
    OmegaConf.register_new_resolver("run_folder", _run_folder, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("multirun_folder", _multirun_folder, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("slurm_nodes", _slurm_nodes, replace=True)


def _run_folder(job: str, experiment: str | None, resume: str | None) -> str:
    home = Path("outputs") / job / (experiment or "default")
    if resume == "auto":
        begun, finished = _TRACES.get(job, _TRACES["train"])
        runs = [run for run in home.glob("*") if (run / begun).exists() and not (run / finished).exists()]
        if runs:
            return str(max(runs, key=lambda run: (run / begun).stat().st_mtime))
    elif resume is not None:
        return str(resume)
    if _slurm_tasks() > 1:  # a name that all tasks find
        return str(home / f"slurm-{os.environ['SLURM_JOB_ID']}-{os.environ['SLURM_STEP_ID']}")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("torchrun started several processes, and they need a folder in common: give hydra.run.dir=<folder>.")
    stamp = home / datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    return str(stamp if not stamp.exists() else stamp.with_name(f"{stamp.name}-{os.getpid()}"))


def _multirun_folder(resume: str | None) -> str:
    if resume in (None, "auto"):
        return str(Path("outputs/multirun") / datetime.now().strftime("%Y-%m-%d_%H-%M-%S"))
    if not (Path(resume) / "multirun.yaml").is_file():
        raise InputError(f"resume={resume}: no multirun.yaml there; with -m it names the folder of a multirun.")
    return str(resume)


def _slurm_tasks() -> int:
    """Processes that srun started together with this one."""
    return int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))


def _slurm_nodes() -> int:
    if "SLURM_PROCID" not in os.environ:
        raise InputError(
            "trainer=slurm is for processes that Slurm started: srun python run.py trainer=slurm ..., or "
            "python run.py -m hydra/launcher=slurm trainer=slurm ...; elsewhere use trainer=ddp."
        )
    return int(os.environ["SLURM_NNODES"])


def explain(error: BaseException) -> str | None:
    """One line for a user error, None for a defect of the program."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    for cause in causes:
        if isinstance(cause, InputError):
            return " ".join(str(cause).split())
    if not isinstance(error, HydraException | OmegaConfBaseException):
        return None
    text = "\n".join(str(cause) for cause in causes)
    if clash := re.search(r"In '([^']+)': Could not override '([^']+)'", text):
        return (
            f"{clash[1]} exchanges {clash[2]}, and what was chosen with it has no such part: exchange less, or something else."
        )
    if unknown := re.search(r"(?:Key|Could not override) '([^']+)'", text):
        key = unknown.group(1)
        given = [argument.split("=")[0].lstrip("+~") for argument in sys.argv[1:]]
        return _suggest_key(next((whole for whole in given if whole == key or whole.startswith(f"{key}.")), key))
    if missing := re.search(r"(?:In '[^']*': )?Could not (?:find|load) '([^']+)'", text):
        return _suggest_option(missing.group(1))
    if isinstance(error, OverrideParseException) or "mismatched input" in text or "token recognition" in text:
        return f"cannot read {error.override!r}" if isinstance(error, OverrideParseException) else str(error).splitlines()[0]
    return None if isinstance(error, InstantiationException) else " ".join(str(error).split())


def _suggest_key(key: str) -> str:
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        valid = OmegaConf.to_container(hydra.compose("run", overrides=_group_choices()), resolve=False)
    near = difflib.get_close_matches(key, _flatten(valid), n=1, cutoff=0.0)
    return f"unknown configuration key {key!r}; did you mean {near[0]!r}? (python run.py --cfg job prints them all)"


def _suggest_option(option: str) -> str:
    group, _, name = option.rpartition("/")
    options = sorted(path.stem for path in (CONF / group).glob("*.yaml"))
    if not group or not options:
        return f"there is no configuration group or option {option!r} in conf/."
    if name.startswith("submitit"):
        return f"{group}={name} comes with hydra-submitit-launcher, which is not installed: pip install 'splatsr[slurm]'."
    if name == "optuna":
        return f"{group}={name} comes with hydra-optuna-sweeper, which is not installed: pip install 'splatsr[optuna]'."
    near = difflib.get_close_matches(name, options, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{group}={name} does not exist; {hint}Options: {', '.join(options)}."


def _group_choices() -> list[str]:
    """Those arguments of the command line that choose an option of a group (model=..., experiment=...) and are valid."""
    pairs = [argument.split("=", 1) for argument in sys.argv[1:] if re.fullmatch(r"[\w/]+=[\w/-]+", argument)]
    return [f"{group}={option}" for group, option in pairs if (CONF / group / f"{option}.yaml").is_file()]


def _flatten(node: dict[str, Any], prefix: str = "") -> list[str]:
    keys = []
    for key, value in node.items():
        if not key.startswith("_"):
            keys.append(prefix + key)
            keys += _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else []
    return keys
