"""Where a run's figures are logged: CSV in its folder, W&B as well."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.utils import instantiate


def make_loggers(logger: Mapping[str, Any], folder: Path) -> list[Any]:
    """The loggers of conf/logger/; W&B is offline where there is no key, and its media stay in the run's folder."""
    extra: dict[str, dict[str, Any]] = {}
    if "wandb" in logger:
        os.environ["WANDB_DATA_DIR"] = str(folder)
        import wandb

        if "WANDB_MODE" not in os.environ and not wandb.login(prompt=False):
            extra["wandb"] = {"mode": "offline"}
    return [instantiate(one, **extra.get(name, {})) for name, one in logger.items()]
