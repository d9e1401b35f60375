"""Errors of Hydra and of this package as the one line that a user needs."""

import difflib
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, InstantiationException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from splatsr.disk.disk_errors import disk_error, explain_disk_error
from splatsr.errors import InputError
from splatsr.runs.configuration import CONF, compose


def explain(error: BaseException) -> str | None:
    """One line for a user error, None for a defect of the program."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    for cause in causes:
        if isinstance(cause, InputError):
            return " ".join(str(cause).split())
    if (on_disk := disk_error(error)) is not None:
        return explain_disk_error(on_disk, Path(on_disk.filename or Path.cwd()))
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
    if unknown := re.search(r"(?:Key|Could not override) '([^']+)'", text):
        return suggest_key(_as_given(unknown.group(1)))
    if missing := re.search(r"(?:In '[^']*': )?Could not (?:find|load) '([^']+)'", text):
        return suggest_option(missing.group(1))
    if isinstance(error, OverrideParseException):
        return f"cannot read {error.override!r}{_quoting(error.override)}"
    if "mismatched input" in text or "token recognition" in text:
        return str(error).splitlines()[0]
    return None if isinstance(error, InstantiationException) else " ".join(str(error).split())


def suggest_key(key: str) -> str:
    """What to say of a key that no configuration has: the nearest one that there is."""
    GlobalHydra.instance().clear()
    try:
        composed = compose(*_valid_choices(), resolve=False)
    except (HydraException, OmegaConfBaseException):  # the choices themselves do not go together
        composed = compose(resolve=False)
    valid = _dotted(composed)
    near = difflib.get_close_matches(key, valid, n=1, cutoff=0.0)
    return f"unknown configuration key {key!r}; did you mean {near[0]!r}? (python run.py --cfg job prints them all)"


def suggest_option(option: str) -> str:
    """What to say of <group>/<option> where conf/ has no such file: the nearest option, and all of them."""
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


def _quoting(override: str) -> str:
    """What to type where the value of an argument is meant as text, such as the name of a file."""
    key, _, value = override.partition("=")
    if not value or value[0] in "[{":
        return ""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return "; if that is a name, quote it twice, for the shell and for Hydra: " + shlex.quote(f'{key}="{escaped}"')


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
