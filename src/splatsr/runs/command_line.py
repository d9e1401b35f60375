"""The command line: Hydra composes the configuration, the job runs, and user errors become one line and an exit code."""

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from splatsr.errors import InputError
from splatsr.runs.call import call_job
from splatsr.runs.configuration import CONF, plain
from splatsr.runs.ending import run_to_end
from splatsr.runs.explanations import check_command_line, explain, explain_beginning
from splatsr.runs.folders import register_resolvers, slurm_tasks
from splatsr.runs.members import check_begun_alike
from splatsr.runs.new_folders import remove_unused
from splatsr.runs.run import CONFIG
from splatsr.shown import close_logs, keep, printable, show_warnings_as_lines

_refusals: list[str] | None = None
"""What went wrong in the runs of this command line; Hydra would print errors in its own words if they passed through it.
None in a process that a cluster's launcher started: there is no `main` in it that would print."""

_WITH_VALUE = (
    *("--cfg", "-c", "--package", "-p", "--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd"),
    "--experimental-rerun",
)
"""Options of Hydra that are followed by a value; that of --info may be missing."""

_begun = False
"""Whether Hydra has made the run's folder, and a run has begun in it."""


def main() -> int:
    """Runs the command line in sys.argv; returns the exit code. HYDRA_FULL_ERROR=1 shows tracebacks of user errors too."""
    global _refusals, _begun
    register_resolvers()
    _refusals, _begun = [], False
    wanted = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of printing, and this function prints

    def work() -> None:
        try:
            sys.argv[1:] = _options_first(sys.argv[1:])
            check_command_line(sys.argv[1:])
            _compose_and_run()
        finally:
            close_logs()
            remove_unused()

    def explained(error: Exception) -> str | None:
        return None if wanted == "1" else explain(error) or (explain_beginning(error) if not _begun else None)

    try:
        return run_to_end(work, explained, _refusals)
    finally:
        os.environ.pop("HYDRA_FULL_ERROR")
        if wanted is not None:
            os.environ["HYDRA_FULL_ERROR"] = wanted


def refuse(text: str) -> None:
    """Makes this command line end with the line `text` and an error."""
    if _refusals is None:
        raise InputError(text)
    _refusals.append(text)


def _options_first(arguments: Sequence[str]) -> list[str]:
    """The same with options before settings: Hydra's parser takes settings only in one piece."""
    options: list[str] = []
    settings: list[str] = []
    before = ""
    for argument in arguments:
        is_value = before in _WITH_VALUE or (before == "--info" and "=" not in argument)
        (options if is_value or argument.startswith("-") else settings).append(argument)
        before = "" if is_value else argument
    return [*options, *settings]


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="run")
def _compose_and_run(cfg: DictConfig) -> None:
    _run(cfg)


def _run(cfg: DictConfig) -> None:
    """One run: the only one of the command line, or a member of a multirun."""
    global _begun
    _begun = True
    register_resolvers()  # here too: a cluster's launcher calls it in processes of its own
    show_warnings_as_lines()
    try:
        settings = plain(cfg)
        if HydraConfig.get().mode == RunMode.MULTIRUN and settings["resume"] is not None:
            check_begun_alike(Path(settings["run_dir"]), HydraConfig.get().overrides.task)
            if (Path(settings["run_dir"]) / "metrics.json").exists():
                return
            settings["resume"] = "auto"  # its folder is chosen already
        call_job(settings, HydraConfig.get().overrides.task)
    except Exception as error:
        refusal = explain(error)
        if (Path(HydraConfig.get().runtime.output_dir) / CONFIG).exists():  # else nothing is left behind
            keep(f"error: {refusal or ''.join(traceback.format_exception(error))}")
        if _refusals is None and slurm_tasks() > 1:  # Hydra would keep it, and the other tasks would wait for this one
            traceback.print_exc()
            sys.exit(f"error: {printable(refusal or error, sys.stderr.encoding)}")
        if _refusals is None or refusal is None:
            raise
        _refusals.append(refusal)
