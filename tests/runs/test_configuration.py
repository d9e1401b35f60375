import pytest

from splatsr.errors import InputError
from splatsr.runs.configuration import compose, instantiate, root_keys


def test_a_composed_configuration_is_plain_and_without_hydras_part() -> None:
    settings = compose("model=liif", "seed=7")
    assert settings["model"]["_target_"] == "splatsr.models.liif.LIIF"
    assert settings["seed"] == 7
    assert settings["run_dir"] == "outputs/composed"
    assert type(settings) is type(settings["model"]) is dict
    assert "hydra" not in settings


def test_every_root_key_is_known() -> None:
    assert set(compose()) <= root_keys()
    assert {"model", "data", "seed", "resume"} <= root_keys()
    assert not {"experiment", "hydra", "defaults"} & root_keys()


def test_a_refused_value_is_named_with_its_place() -> None:
    with pytest.raises(InputError, match=r"^loss\.weight must be a number of at least 0; got -1"):
        instantiate({"_target_": "splatsr.training.losses.L1WithFrequency", "weight": -1.0}, "loss")
    with pytest.raises(InputError, match=r"^supervision\.count must be a whole number of at least 1"):
        instantiate({"_target_": "splatsr.training.supervision.OnQueries", "count": 0}, "supervision")
