"""The command line: Hydra composes the configuration, the job runs, and user errors become one line and an exit code."""

import logging
import os
import sys
import traceback
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from splatsr.errors import InputError
from splatsr.runs.call import call_job
from splatsr.runs.configuration import CONF, plain
from splatsr.runs.explanations import check_command_line, explain, explain_beginning
from splatsr.runs.folders import register_resolvers, slurm_tasks
from splatsr.runs.lines import printable
from splatsr.runs.new_folders import remove_unused
from splatsr.runs.termination import Terminated, exit_code, line, listen
from splatsr.runs.unread_output import STATUS, discard, is_unread

_refusals: list[str] | None = None
"""What went wrong in the runs of this command line; Hydra would print errors in its own words if they passed through it.
None in a process that a cluster's launcher started: there is no `main` in it that would print."""

_begun = False
"""Whether Hydra has made the run's folder, and a run has begun in it."""


def main() -> int:
    """Runs the command line in sys.argv; returns the exit code. HYDRA_FULL_ERROR=1 shows tracebacks of user errors too."""
    global _refusals, _begun
    register_resolvers()
    logging.raiseExceptions = False  # a line that the log has no room for is no reason for a traceback
    _refusals, _begun = [], False
    wanted = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of printing, and this function prints
    try:
        listen()
        check_command_line(sys.argv[1:])
        _compose_and_run()
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as error:  # rich makes the second of the first
        if isinstance(error, SystemExit) and error.code == 0:
            return 0
        if not is_unread(sys.stdout) and not isinstance(error.__context__, BrokenPipeError):
            raise
        discard(sys.stdout)
        return STATUS
    except Exception as error:
        if exit_code() is None:
            refusal = explain(error) or (explain_beginning(error) if not _begun else None)
            if wanted == "1" or refusal is None:
                raise
            _refusals.append(refusal)
    except Terminated:
        pass
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; go on with resume=auto if this was a training.\n")
        return 130
    finally:
        remove_unused()
        os.environ.pop("HYDRA_FULL_ERROR")
        if wanted is not None:
            os.environ["HYDRA_FULL_ERROR"] = wanted
    if (code := exit_code()) is not None:
        sys.stderr.write(line())
        return code
    for refusal in _refusals:
        sys.stderr.write(f"error: {printable(refusal, sys.stderr.encoding)}\n")
    return 1 if _refusals else 0


def refuse(text: str) -> None:
    """Makes this command line end with the line `text` and an error."""
    if _refusals is None:
        raise InputError(text)
    _refusals.append(text)


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="run")
def _compose_and_run(cfg: DictConfig) -> None:
    _run(cfg)


def _run(cfg: DictConfig) -> None:
    """One run: the only one of the command line, or a member of a multirun."""
    global _begun
    _begun = True
    register_resolvers()  # here too: a cluster's launcher calls it in processes of its own
    try:
        settings = plain(cfg)
        if HydraConfig.get().mode == RunMode.MULTIRUN and settings["resume"] is not None:
            if (Path(settings["run_dir"]) / "metrics.json").exists():
                return
            settings["resume"] = "auto"  # its folder is chosen already
        call_job(settings)
    except Exception as error:
        refusal = explain(error)
        if _refusals is None and slurm_tasks() > 1:  # Hydra would keep it, and the other tasks would wait for this one
            traceback.print_exc()
            sys.exit(f"error: {printable(refusal or error, sys.stderr.encoding)}")
        if _refusals is None or refusal is None:
            raise
        _refusals.append(refusal)
