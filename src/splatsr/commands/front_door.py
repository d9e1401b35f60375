"""The command `splatsr`: what its first word means."""

import difflib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from splatsr import __version__
from splatsr.errors import InputError
from splatsr.runs.ending import run_to_end

HELP = """\
SplatSR: enlarges pictures by any factor, with 2D Gaussians

  splatsr upscale photo.png --scale 3.7      makes photo_x3.7.png
  splatsr upscale photos --width 1920        every picture of a folder
  splatsr upscale --help                     sizes, models, where results go
  splatsr view photo.png                     makes photo.html: zoom into the picture, see its kernels
  splatsr models                             the models that are known by name
  splatsr publish MODEL --to FOLDER          a model with its card, ready for a hub
  splatsr serve                              a page in the browser: upload, factor, before and after

For research, <job> <settings>: trains, measures, prints tables; settings are key=value.

  splatsr train experiment=quickstart
  splatsr evaluate checkpoint=tiny
  splatsr field checkpoint=tiny input=photo.png output=photo.splat    keeps a picture as kernels
  splatsr render input=photo.splat output=big.png scale=12            shows them at any size
  splatsr train --help                       all jobs, groups and settings
  splatsr --cfg job experiment=quickstart    prints a whole configuration

  jobs: {jobs}

`splatsr <job> <settings>` is `python run.py job=<job> <settings>` in a checkout; `splatsr --version` prints the version.
"""

COMMANDS = ("upscale", "view", "models", "publish", "serve")
"""Those with a file in this folder and options of their own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line (that of the process by default) and returns its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] not in COMMANDS and not _is_light(given[0]):
        return _run_job(given)
    return run_to_end(lambda: _run(given), _explain, [])


def _is_light(first: str) -> bool:
    return first in ("-h", "--help", "--version") or (
        "=" not in first and not first.startswith("-") and first not in job_names()
    )


def _run(given: list[str]) -> None:
    first = given[0] if given else "--help"
    if first in ("-h", "--help"):
        sys.stdout.write(HELP.format(jobs=", ".join(job_names())))
    elif first == "--version":
        sys.stdout.write(f"splatsr {__version__}\n")
    elif first in COMMANDS:
        _command(first)(given[1:])
    else:
        near = difflib.get_close_matches(first, [*COMMANDS, *job_names()], n=1)
        hint = f"did you mean `splatsr {near[0]}`?" if near else "to enlarge a picture: splatsr upscale <picture> --scale 3.7."
        raise InputError(f"there is no command {first!r}; {hint} `splatsr --help` shows what there is.")


def _command(name: str) -> Callable[[Sequence[str]], None]:
    if name == "upscale":
        from splatsr.commands.upscale import upscale

        return upscale
    if name == "view":
        from splatsr.commands.view import view

        return view
    if name == "models":
        from splatsr.commands.models import models

        return models
    if name == "serve":
        from splatsr.commands.serve import serve

        return serve
    from splatsr.commands.publish import publish

    return publish


def _run_job(given: list[str]) -> int:
    """Hydra composes the settings and runs the job; it reads sys.argv."""
    from splatsr.runs.command_line import main as run

    name = given[0]
    sys.argv = ["splatsr", *([*given[1:], f"job={name}"] if name in job_names() else given)]
    return run()


def job_names() -> list[str]:
    """The jobs of splatsr.jobs, by name."""
    return sorted(path.stem for path in (Path(__file__).parents[1] / "jobs").glob("[a-z]*.py"))


def _explain(error: Exception) -> str | None:
    """One line for a user error; those of commands need not import what explains Hydra's."""
    if isinstance(error, InputError):
        return " ".join(str(error).split())
    from splatsr.runs.explanations import explain

    return explain(error)
