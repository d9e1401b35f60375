"""The one door to a configuration: conf/ and overrides in, plain settings out.

run.py, tests, benchmarks and notebooks come in here; nothing else in the package knows Hydra's configuration objects.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import hydra
import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf

from splatsr.arguments import in_plain_words
from splatsr.errors import InputError
from splatsr.runs.folders import register_resolvers
from splatsr.runs.setting_types import check_parts

_PACKAGE = Path(__file__).parents[1]

CONF = next(folder for folder in (_PACKAGE / "conf", _PACKAGE.parents[1] / "conf") if folder.is_dir())
"""conf/: in the package where it has been installed, at the repository's top level in a checkout."""


def compose(*overrides: str, resolve: bool = True) -> dict[str, Any]:
    """The settings of `python run.py <overrides>` as nested plain dicts, lists and values, without running anything.

    `run_dir` is "outputs/composed" unless an override says otherwise. With `resolve` false, references such as ${seed} stay.
    """
    register_resolvers()
    arguments = [*overrides, *([] if any(one.startswith("run_dir=") for one in overrides) else ["run_dir=outputs/composed"])]
    if GlobalHydra.instance().is_initialized():  # within a command line's process
        cfg = hydra.compose("run", overrides=arguments, return_hydra_config=True)
    else:
        with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
            cfg = hydra.compose("run", overrides=arguments, return_hydra_config=True)
    running = HydraConfig.instance().cfg
    try:
        HydraConfig.instance().set_config(cfg)  # ${hydra:...} refers to it
        return plain(cfg, resolve=resolve)
    finally:
        HydraConfig.instance().cfg = running


def plain(cfg: DictConfig, *, resolve: bool = True) -> dict[str, Any]:
    """A composed configuration as nested plain dicts, lists and values, without Hydra's own part."""
    own = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    return cast(dict[str, Any], OmegaConf.to_container(own, resolve=resolve))


def instantiate(node: Mapping[str, Any], where: str, **arguments: Any) -> Any:
    """The object that a node with a `_target_` describes; lists and dicts stay plain.

    Args:
        node: settings.
        where: the node's dotted name, for messages.
        arguments: further arguments of the target.

    Raises:
        InputError: a value is not what its reader's annotation says, or the target refuses it.
    """
    check_parts(node, where)
    try:
        return hydra.utils.instantiate(node, _convert_="all", **arguments)
    except InstantiationException as error:
        cause = error.__cause__
        while cause is not None and not isinstance(cause, InputError) and isinstance(cause.__cause__, Exception):
            cause = cause.__cause__
        if isinstance(cause, InputError):
            raise cause from error
        inner = re.search(r"full_key: (\S+)", str(error))  # of a part within
        reason = in_plain_words(cause or error)
        raise InputError(f"{where}{f'.{inner[1]}' if inner else ''}: {reason}") from error


def root_keys() -> set[str]:
    """The root keys of conf/run.yaml: its own and those of the groups that it chooses from."""
    content = yaml.safe_load((CONF / "run.yaml").read_text())
    groups = {next(iter(entry)) for entry in content["defaults"] if isinstance(entry, dict)}
    packages = {"experiment", "frame", "debug", "hydra"}  # these write into the others
    return {key for key in {*content, *groups} if key != "defaults" and "/" not in key} - packages
