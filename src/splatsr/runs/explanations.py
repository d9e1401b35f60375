"""Errors of Hydra and of this package as the one line that a user needs."""

import difflib
import re
import shlex
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, InstantiationException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from splatsr.arguments import in_plain_words
from splatsr.disk.disk_errors import disk_error, explain_disk_error, in_the_way
from splatsr.errors import InputError
from splatsr.runs.configuration import CONF, compose
from splatsr.runs.new_folders import folder_in_work
from splatsr.runs.quoted_text import quoted

_CHOSEN_TOGETHER = ("callbacks", "logger", "data/degradation")
"""Groups of which several options may be chosen; Hydra would merge them in any group."""

_NAMES = ("input", "output", "checkpoint", "encoder_checkpoint", "resume", "data.train", "data.test", "data.root", "data.cache")
"""Keys whose value is a name of the user's, which Hydra must not take for something else in silence."""


def explain(error: BaseException) -> str | None:
    """One line for a user error, None for a defect of the program."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    for cause in causes:
        if isinstance(cause, InputError):
            return " ".join(str(cause).split())
    if (on_disk := disk_error(error)) is not None:
        return explain_disk_error(on_disk, Path(on_disk.filename or folder_in_work()))
    if worker := re.search(r"DataLoader worker \(pid.*\) (is killed by signal: \w+|exited unexpectedly)", str(error)):
        return f"a loader process {worker[1]}; if memory ran out, use fewer data.workers. Go on with resume=auto."
    if "Config group override must be a string or a list" in str(error):
        return "a group takes the name of one of its options, neither null nor a number; to leave it out, do not name it."
    if not isinstance(error, HydraException | OmegaConfBaseException):
        return None
    text = "\n".join(str(cause) for cause in causes)
    if clash := re.search(r"In '([^']+)': Could not override '([^']+)'", text):
        return (
            f"{clash[1]} exchanges {clash[2]}, and what was chosen with it has no such part: exchange less, or something else."
        )
    if resolver := re.search(r"Interpolation key '(hydra\.runtime\.choices\.(\w+))' not found", text):
        return f"{resolver[2]} must be the name of one of its options; it is left out, or several are named."
    if variable := re.search(r"Environment variable '([^']+)' not found", text):
        return f"a value refers to the environment variable {variable[1]}, which is not set."
    if reference := re.search(r"Interpolation key '([^']+)' not found", text):
        return f"a value refers to {reference[1]!r}, which does not exist."
    if "Error merging override" in text:
        return f"{text.splitlines()[0].removeprefix('Error merging override ')}: the key takes another kind of value."
    if unknown := re.search(r"(?:Key|Could not override) '([^']+)'", text):
        return suggest_key(_as_given(unknown.group(1)))
    if missing := re.search(r"(?:In '[^']*': )?Could not (?:find|load) '([^']+)'", text):
        return suggest_option(missing.group(1))
    if isinstance(error, OverrideParseException):
        return f"cannot read the argument {error.override!r}; {_quoting(error.override)}"
    if "mismatched input" in text or "token recognition" in text:
        return str(error).splitlines()[0]
    return None if isinstance(error, InstantiationException) else " ".join(str(error).split())


def check_command_line(arguments: Sequence[str]) -> None:
    """InputError where an argument cannot be meant, before Hydra makes a folder for it."""
    for argument in arguments:
        key, _, value = argument.partition("=")
        if not argument.strip():
            raise InputError("an argument is empty; arguments are key=value.")
        if any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise InputError(f"the argument {argument!a} is no text in UTF-8.")
        if key in _NAMES and value.strip() and value != _as_read(value):
            raise InputError(f"{key}={value} would be read as {_as_read(value)!r}; {_quoting(argument)}")
        if value.startswith("[") and key.lstrip("+~") not in _CHOSEN_TOGETHER and (CONF / key.lstrip("+~")).is_dir():
            raise InputError(f"{key} takes the name of one option, no list; got {value}.")
        if key in ("hydra.run.dir", "hydra.sweep.dir") and not value.strip("'\" "):
            raise InputError(f"{key} must not be empty; give a folder.")
        if key.lstrip("+") == "hydra.job.name" and Path(value.strip("'\" ")).name != value.strip("'\" "):
            raise InputError(f"{key}={value}: it names the log file in the run's folder; give a name without folders.")


def explain_beginning(error: BaseException) -> str | None:
    """One line for an error of Hydra's own before a run has begun: it cannot make the run's folder, or refuses settings of its
    own (hydra.verbose, --resolve); None where the error is not Hydra's."""
    if isinstance(error, InstantiationException) and (part := re.search(r"full_key: (hydra\.\S+)", str(error))):
        return f"{part[1]}: {in_plain_words(error.__cause__ or error)}."
    if not isinstance(error, OSError):
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        if not str(frames[-1].f_globals.get("__name__")).startswith(("hydra.", "omegaconf.", "logging.")):
            return None
        reason = " ".join(str(error).split()) or "an assertion of Hydra's fails"
        return f"Hydra refuses its own settings (hydra.*, or options that begin with --): {reason}."
    where = f" {error.filename}" if error.filename else ""
    obstacle = in_the_way(Path(error.filename)) if error.filename else ""
    return (
        f"the folder{where} of the run cannot be made ({obstacle or error.strerror}); give another hydra.run.dir, or "
        "hydra.sweep.dir."
    )


def suggest_key(key: str) -> str:
    """What to say of a key that no configuration has: the nearest one that there is."""
    GlobalHydra.instance().clear()
    try:
        composed = compose(*_valid_choices(), resolve=False)
    except (HydraException, OmegaConfBaseException):  # the choices themselves do not go together
        composed = compose(resolve=False)
    valid = _dotted(composed)
    near = difflib.get_close_matches(key, [one for one in valid if not key.startswith(f"{one}.")], n=1, cutoff=0.75)
    if near:
        return f"unknown configuration key {key!r}; did you mean {near[0]!r}? (python run.py --cfg job prints them all)"
    parent = key.rpartition(".")[0]
    while parent and parent not in valid:
        parent = parent.rpartition(".")[0]
    start = f"{parent}." if parent else ""
    below = [one.removeprefix(start) for one in valid if one.startswith(start) and "." not in one.removeprefix(start)]
    known = f"{parent or 'the configuration'} has {', '.join(below)}" if below else f"{parent} has no keys below it"
    return f"unknown configuration key {key!r}; {known}. (python run.py --cfg job prints them all)"


def suggest_option(option: str) -> str:
    """What to say of <group>/<option> where conf/ has no such file: the nearest option, and all of them."""
    group, _, name = option.rpartition("/")
    folder = CONF / group
    options = sorted(str(path.relative_to(folder).with_suffix("")) for path in _options(group))
    if not group or not options:
        return f"there is no configuration group or option {option!r} in conf/."
    if name.startswith("submitit"):
        return f"{group}={name} comes with hydra-submitit-launcher, which is not installed: pip install 'splatsr[slurm]'."
    if name == "optuna":
        return f"{group}={name} comes with hydra-optuna-sweeper, which is not installed: pip install 'splatsr[optuna]'."
    near = difflib.get_close_matches(name, options, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{group}={name} does not exist; {hint}Options: {', '.join(options)}."


def _quoting(override: str) -> str:
    """What to type where the value of an argument is meant as text, such as the name of a file."""
    key, _, value = override.partition("=")
    if not value or value[0] in "[{":
        return "expected key=value, and values with commas quoted: 'key=\"a,b\"'."
    return "if that is a name, quote it twice, for the shell and for Hydra: " + shlex.quote(f"{key}={quoted(value)}")


def _as_read(value: str) -> str:
    """A value as Hydra has it: without spaces around it, and whole numbers in their plain form (1_000 and +5 are some)."""
    plain = value.strip()
    return str(int(plain)) if re.fullmatch(r"[+-]?(0|[1-9](_?\d)*)", plain, re.ASCII) else plain


def _options(group: str) -> Iterator[Path]:
    """The files that are options of a group: those of its folder, and of an experiment's folders of experiments too."""
    whole = group == "experiment" or group.startswith("experiment/")
    return (CONF / group).rglob("*.yaml") if whole else (CONF / group).glob("*.yaml")


def _as_given(key: str) -> str:
    """The argument of the command line that begins with the key that Hydra names; it stops at the first unknown part."""
    given = [argument.split("=")[0].lstrip("+~") for argument in sys.argv[1:]]
    return next((argument for argument in given if argument == key or argument.startswith(f"{key}.")), key)


def _valid_choices() -> list[str]:
    """Those arguments of the command line that choose an option of a group (model=..., experiment=...) and are valid."""
    pairs = [argument.split("=", 1) for argument in sys.argv[1:] if re.fullmatch(r"[\w/]+=[\w/-]+", argument)]
    return [f"{group}={option}" for group, option in pairs if (CONF / group / f"{option}.yaml").is_file()]


def _dotted(node: Mapping[str, Any], prefix: str = "") -> list[str]:
    """a, a.b, a.b.c of {"a": {"b": {"c": 1}}}"""
    keys = []
    for key, value in node.items():
        if not key.startswith("_"):
            keys += [prefix + key, *(_dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else [])]
    return keys
