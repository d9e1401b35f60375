import hashlib

import pytest

from splatsr import InputError, load
from splatsr.checkpoints.files import read_model
from splatsr.released.catalogue import DEFAULT, catalogue, check_name
from splatsr.runs.configuration import CONF


@pytest.mark.parametrize("name", catalogue())
def test_what_the_catalogue_says_is_so(name: str) -> None:
    said = catalogue()[name]
    assert hashlib.sha256(said.path.read_bytes()).hexdigest() == said.sha256
    assert sum(parameter.numel() for parameter in load(name).parameters()) == said.parameters
    assert (CONF / "model" / f"{said.method}.yaml").is_file()
    assert (CONF / "model" / "encoder" / f"{said.encoder}.yaml").is_file()
    assert read_model(name)[0]["_target_"].endswith(said.method.partition("_")[0].replace("sr", "SR").replace("c", "C", 1))
    assert all(set(row) == {"psnr_y", "bicubic_psnr_y"} for row in said.figures.values())


def test_the_default_is_there() -> None:
    assert catalogue()[DEFAULT].path.is_file()


def test_an_unknown_name_names_the_nearest_and_all() -> None:
    with pytest.raises(InputError, match="there is no model 'tinny'; did you mean 'tiny'. known names are tiny"):
        check_name("tinny")
    with pytest.raises(InputError, match=r"tinny\.safetensors: no such file"):
        check_name("tinny.safetensors")
