"""Members of a multirun that goes on: each must be the one that was begun in its folder, whatever launcher runs it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from splatsr.disk.read_back import read_yaml
from splatsr.errors import InputError
from splatsr.runs.run import OVERRIDES

_MAY_DIFFER = ("resume=", "hydra.", "hydra/", "data.workers=", "data.cache=", "data.root=", "logger", "trainer.devices=")
"""How overrides begin in which a member that goes on may differ from what it was."""


def check_begun_alike(folder: Path, overrides: Sequence[str]) -> None:
    """InputError where a member with other overrides was begun in the folder."""
    if not (folder / OVERRIDES).is_file():
        return
    before, now = (_changing(one) for one in (read_yaml(folder / OVERRIDES), list(overrides)))
    if before != now:
        differing = ", ".join(sorted(set(before) ^ set(now))[:4])
        raise InputError(
            f"{folder} was begun with other settings ({differing}): give the multirun the same ones, in the same "
            "order, or another folder (hydra.sweep.dir)."
        )


def _changing(overrides: Any) -> list[str]:
    """Those of a member's overrides that say what it is, in the order of their keys."""
    given = overrides if isinstance(overrides, list) else []
    return sorted(one for one in map(str, given) if not one.lstrip("+~").startswith(_MAY_DIFFER))
