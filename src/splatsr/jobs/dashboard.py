"""job=dashboard: the panels of a training's dashboard as a saved view of the W&B project."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from splatsr.errors import InputError
from splatsr.runs.lines import print_line
from splatsr.runs.workspace import make_workspace


def dashboard(*, logger: Mapping[str, Any]) -> None:
    """Arguments are the root keys of conf/run.yaml; the project is that of logger=wandb. Prints the view's address.

    Raises:
        InputError: W&B is not chosen, has no key here, or the package wandb-workspaces is missing.
    """
    if "wandb" not in logger:
        raise InputError("job=dashboard makes a view of a W&B project: give logger=wandb (and logger.wandb.project=<name>).")
    if find_spec("wandb_workspaces") is None:
        raise InputError("job=dashboard needs the package wandb-workspaces: pip install 'splatsr[dashboard]'.")
    import wandb

    if not wandb.login(prompt=False):
        raise InputError("W&B has no key on this machine: `wandb login` stores one.")
    import wandb_workspaces.reports.v2 as reports
    import wandb_workspaces.workspaces as workspaces

    entity = wandb.Api().default_entity
    if entity is None:
        raise InputError("W&B knows no default entity of yours: set WANDB_ENTITY to the user or team whose project it is.")
    view = make_workspace(workspaces, reports, entity=entity, project=logger["wandb"]["project"], name="SplatSR")
    view.save()
    print_line(f"the view SplatSR: {view.url}")
