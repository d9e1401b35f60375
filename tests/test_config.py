"""Every key of every configuration has a reader, and every option composes."""

import inspect
import itertools
from collections.abc import Iterator
from typing import Any

import hydra
import pytest
import yaml
from hydra.utils import get_method, get_object

from composed import changed, settings_of
from splatsr.data.rank_share import check_share
from splatsr.runs.configuration import CONF, compose, root_keys

EXPERIMENTS = sorted(str(path.relative_to(CONF / "experiment").with_suffix("")) for path in CONF.glob("experiment/**/*.yaml"))
JOBS = sorted(path.stem for path in (CONF / "job").glob("*.yaml"))
MODELS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))


def options(*groups: str) -> dict[str, list[str]]:
    """The names to choose from in groups of conf/, which patterns name."""
    folders = [folder for group in groups for folder in sorted(CONF.glob(group)) if list(folder.glob("*.yaml"))]
    return {str(folder.relative_to(CONF)): sorted(path.stem for path in folder.glob("*.yaml")) for folder in folders}


CHOOSING = ("debug", "frame")
"""Groups that choose from others."""

TOP = {name: names for name, names in options("*").items() if name not in {*CHOOSING, "job", "experiment", "hydra", "model"}}
WITHIN = options("model/*/*", "data/*", "prior/*")
ROWS = [
    tuple(f"{group}={one}" for group, one in zip(groups, row, strict=True) if one)
    for groups in (TOP, options("model/*"), WITHIN, *(options(group) for group in CHOOSING))
    for row in itertools.zip_longest(*groups.values())
]
"""Every option of every group but the models; those of groups that are independent of each other together, to save time."""


CONTAINERS = ("callbacks", "logger", "data.degradation", "table.protocols", "table.columns", "benchmark.models", "beside")
"""Mappings of names to parts or values, whose names are free."""


def nodes_with_target(node: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every dict with a `_target_`, at any depth, and its dotted name."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield where, node
        for key, value in node.items():
            yield from nodes_with_target(value, f"{where}.{key}" if where else key)


def unread_keys(node: Any, where: str) -> Iterator[str]:
    """Keys of mappings that are neither read by a `_target_` nor free: nobody looks at them."""
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        name = f"{where}.{key}"
        is_part = where in CONTAINERS and isinstance(value, dict) and "_target_" in value
        if "_target_" not in node and not is_part and not where.startswith(("table.", "beside")):
            yield name
        yield from unread_keys(value, name)


def assert_every_key_has_a_reader(settings: dict[str, Any]) -> None:
    readers = {name for job in JOBS for name in inspect.signature(get_method(f"splatsr.jobs.{job}.{job}")).parameters}
    of_every_run = {"job", "seed", "resume", "run_dir", "renderer"}  # read by call_job and by `Run`
    assert set(settings) - of_every_run <= readers, "a root key that no job takes"
    for key, value in settings.items():
        assert list(unread_keys(value, key)) == []
    for where, node in nodes_with_target(settings):
        target = get_object(node["_target_"])
        signature = inspect.signature(target)
        arguments = {key: value for key, value in node.items() if key not in ("_target_", "_partial_")}
        first = next(iter(signature.parameters.values()), None)
        positional = first is not None and first.kind is first.POSITIONAL_OR_KEYWORD
        free = [None] if node.get("_partial_") and positional else []  # a partial's caller gives that argument
        if where != "job":
            signature.bind_partial(*free, **arguments)  # TypeError names the stray key
        swallows = any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values())
        assert not (swallows and node["_target_"].startswith("splatsr.")), f"{where} takes **kwargs"


def test_the_root_keys_are_those_of_what_is_composed() -> None:
    assert root_keys() == set(compose())


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_key_of_an_experiment_has_a_reader(name: str) -> None:
    assert_every_key_has_a_reader(settings_of(f"experiment={name}"))


def test_an_invented_key_is_noticed() -> None:
    quickstart, plain, without = settings_of("experiment=quickstart"), settings_of(), settings_of("callbacks=without_averaging")
    with pytest.raises(AssertionError, match="root key"):
        assert_every_key_has_a_reader(changed(quickstart, "invented", 1))
    with pytest.raises(TypeError, match="invented"):
        assert_every_key_has_a_reader(changed(quickstart, "model.encoder.invented", 1))
    for key in ("benchmark.invented", "benchmark.memory.invented", "prior.invented", "prior.sensitivity.invented"):
        with pytest.raises(TypeError, match="invented"):
            assert_every_key_has_a_reader(changed(plain, key, 1))
    for key in ("callbacks.averaging.decay", "callbacks.invented", "data.degradation.invented.sigma", "debug.invented"):
        with pytest.raises(AssertionError):
            assert_every_key_has_a_reader(changed(without, key, 1))


def test_every_option_is_in_a_row() -> None:
    files = {path for path in CONF.glob("*/**/*.yaml") if path.relative_to(CONF).parts[0] not in {"job", "experiment", "hydra"}}
    tried = {option for row in ROWS for option in row} | {f"model={model}" for model in MODELS}
    assert {f"{path.parent.relative_to(CONF)}={path.stem}" for path in files} == tried


@pytest.mark.parametrize("row", [*ROWS, *((f"model={model}",) for model in MODELS)], ids=",".join)
def test_every_option_composes_and_has_readers(row: tuple[str, ...]) -> None:
    assert_every_key_has_a_reader(settings_of(*row, resolve="trainer=slurm" not in row))


def test_the_slurm_launcher_composes() -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        overrides = ["hydra/launcher=slurm", "hydra.launcher.tasks_per_node=4", "trainer=slurm", "experiment=ours"]
        cfg = hydra.compose("run", overrides=overrides, return_hydra_config=True)
    launcher = get_object(cfg.hydra.launcher._target_)
    assert launcher.__name__ == "SlurmLauncher"
    assert (cfg.hydra.launcher.nodes, cfg.hydra.launcher.gpus_per_node) == (1, 4)
    assert list(cfg.hydra.launcher.setup) == ["export SLURM_KILL_BAD_EXIT=1"]


def test_the_optuna_search_composes() -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        overrides = ["hydra/sweeper=recipe", "frame=small", "loss=l1_frequency"]
        cfg = hydra.compose("run", overrides=overrides, return_hydra_config=True)
    sweep = yaml.safe_load((CONF.parent / "sweeps/recipe.yaml").read_text())
    assert set(cfg.hydra.sweeper.params) == set(sweep["parameters"])
    assert (cfg.hydra.sweeper.direction, cfg.hydra.launcher.n_jobs) == ("maximize", 1)


@pytest.mark.parametrize("experiment", ["ours", "ours_plus", "ours_ultra"])
@pytest.mark.parametrize("trainer", ["ddp", "slurm"])
def test_the_papers_experiments_run_on_several_gpus_with_the_same_total_batch(experiment: str, trainer: str) -> None:
    one, many = (
        settings_of(f"experiment={experiment}", resolve=False),
        settings_of(f"experiment={experiment}", f"trainer={trainer}", resolve=False),
    )
    assert (many["trainer"]["accelerator"], many["trainer"]["devices"], many["trainer"]["strategy"]) == ("gpu", "auto", "ddp")
    check_share(many["data"]["batch_size"], 8, 1)
    differing = {key for key in many if many[key] != one[key]}
    assert differing == {"trainer"}
    same = set(one["trainer"]) - {"devices", "plugins"}
    assert {key: many["trainer"][key] for key in same} == {key: one["trainer"][key] for key in same}
    assert one["trainer"]["plugins"][0] in many["trainer"]["plugins"]


@pytest.mark.parametrize("model", MODELS)
def test_every_hyperparameter_has_its_one_home_in_yaml(model: str) -> None:
    for where, node in nodes_with_target(settings_of(f"model={model}")):
        if node["_target_"].startswith("splatsr.") and where != "job":
            signature = inspect.signature(get_object(node["_target_"]))
            defaults = [name for name, parameter in signature.parameters.items() if parameter.default is not parameter.empty]
            assert not defaults, f"{where}: {defaults} have a second home in the code"
