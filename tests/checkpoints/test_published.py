"""The published checkpoint's format: {"model": {"name", "args", "sd"}}, written here from the goldens' weights."""

import copy
import logging
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import splatsr
from composed import settings_of
from golden import golden_weights, read_golden
from published import IMAGES, assert_image_equal
from published_family import ciaosrs_content
from splatsr.checkpoints import published
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import read_model
from splatsr.errors import InputError
from splatsr.models.continuoussr import ContinuousSR
from splatsr.published_form import PublishedForm

GSASRS = ("edsr-without-skip", "hat-rotary")
CONF_NAMES = {
    name: name.replace("-", "_") for name in ("edsr-baseline", "hat", "rdn", "rrdb", "swinir", "swinir-body", *GSASRS)
}


class Trap:
    """Unpickling it would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.path}",)


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    """What ContinuousSR.pth holds, in its EDSR variant, with an optimizer beside it."""
    metadata = read_golden("continuoussr-edsr")[1]
    model = {**copy.deepcopy(metadata["constructor"]), "sd": golden_weights(metadata)}
    return {"model": model, "optimizer": {"name": "adam", "args": {"lr": 1e-4}, "sd": {}}, "epoch": 1000}


@pytest.fixture(scope="module")
def file(content: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published") / "ContinuousSR.pth"
    torch.save(content, path)
    return path


@pytest.fixture(scope="module")
def model(file: Path) -> ContinuousSR:
    return splatsr.load(file)


def changed(content: dict[str, Any], folder: Path, **entries: Tensor) -> Path:
    """A file with these entries of the state dict added or replaced; dots of their names are written as __."""
    named = {name.replace("__", "."): tensor for name, tensor in entries.items()}
    path = folder / "changed.pth"
    torch.save({"model": {**content["model"], "sd": {**content["model"]["sd"], **named}}}, path)
    return path


def with_arguments(**arguments: Any) -> dict[str, Any]:
    return {"model": {"name": "continuous-gaussian", "args": arguments, "sd": {}}}


@pytest.mark.parametrize(("name", "mode"), IMAGES)
@torch.inference_mode()
def test_a_published_file_gives_the_published_images(model: ContinuousSR, name: str, mode: str) -> None:
    tensors, metadata = read_golden("continuoussr-edsr")
    assert_image_equal(model(tensors["input"]), tensors, metadata, name=name, mode=mode)
    assert not model.training


def test_what_was_read_and_what_was_not_is_logged(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "splatsr.checkpoints.published")
    read_model(file)
    (line,) = caplog.messages
    assert "ContinuousSR.pth: published ContinuousSR, encoder edsr-baseline, 5,537,797 parameters" in line
    assert "not used: sub_mean (2), add_mean (2)" in line


FORMS = [pytest.param(form, encoder, id=f"{form.title}-{encoder}") for form in published.forms() for encoder in form.encoders]


@pytest.mark.parametrize(("form", "encoder"), FORMS)
def test_the_configuration_is_the_one_in_conf(form: PublishedForm, encoder: str) -> None:
    content = {"model": {"name": form.name, "args": {**form.arguments, "encoder_spec": {"name": encoder}}, "sd": {}}}
    config, _ = published.translate(content, source="file")
    stem = config["_target_"].split(".")[-2]
    variant = form.name.replace("-", "_") if stem == "gsasr" else stem
    choices = [f"model={variant}", f"model/encoder={CONF_NAMES[encoder]}"]
    if "initialisation" in config:
        choices.append("model/initialisation=published")
    if "stages" in config:
        choices.append(f"model.stages={config['stages']}")
    if "tile" in config:
        choices.append(f"model.tile={config['tile']}")
    assert config == settings_of(*choices)["model"]


@pytest.mark.parametrize("golden", ["continuoussr-edsr", "continuoussr-swinir", "continuoussr-hat"])
def test_every_tensor_of_the_published_networks_finds_its_place(golden: str) -> None:
    metadata = read_golden(golden)[1]
    empty = {name: torch.empty(shape) for name, (_, shape) in metadata["state_dict"].items()}
    config, tensors = published.translate({"model": {**metadata["constructor"], "sd": empty}}, source="file")
    expected = build(config).state_dict()
    assert {name: tensor.shape for name, tensor in tensors.items()} == {name: tensor.shape for name, tensor in expected.items()}


def test_masks_and_the_last_convolution_may_be_there_or_not(content: dict[str, Any], tmp_path: Path) -> None:
    more = {"encoder.edsr.tail.1.weight": torch.zeros(3, 64, 3, 3), "encoder.edsr.tail.1.bias": torch.zeros(3)}
    fewer = {name: tensor for name, tensor in content["model"]["sd"].items() if "_mean" not in name}
    for index, state in enumerate(({**fewer, **more}, fewer)):
        torch.save({"model": {**content["model"], "sd": state}}, tmp_path / f"{index}.pth")
        splatsr.load(tmp_path / f"{index}.pth")


def test_files_of_data_parallel_are_read(content: dict[str, Any], file: Path, tmp_path: Path) -> None:
    state = {f"module.{name}": tensor for name, tensor in content["model"]["sd"].items()}
    torch.save({"model": {**content["model"], "sd": state}}, tmp_path / "parallel.pth")
    read, expected = (splatsr.load(one).state_dict() for one in (tmp_path / "parallel.pth", file))
    assert all(torch.equal(read[name], tensor) for name, tensor in expected.items())


@pytest.mark.parametrize("prefix", ["module.", "module.generator."])
def test_so_are_ciaosrs(prefix: str) -> None:
    content, expected = ciaosrs_content("ciaosr", prefix), ciaosrs_content("ciaosr")
    assert published.is_published(content)
    read, plain = (published.translate(one, source="file")[1] for one in (content, expected))
    assert read.keys() == plain.keys()


def test_a_file_that_would_run_code_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    for key in ("name", "args", "sd"):
        torch.save({"model": {**content["model"], "sd": {}, key: Trap(touched)}}, tmp_path / "trap.pth")
        with pytest.raises(InputError, match=r"trap\.pth is refused"):
            splatsr.load(tmp_path / "trap.pth")
    assert not touched.exists()


def test_a_truncated_file(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"cut\.pth is damaged"):
        splatsr.load(tmp_path / "cut.pth")


def test_tensors_that_do_not_fit_are_named(content: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"1 tensor differs: ddcw\.query\.bias is \(7,\) in the file and \(512,\)"):
        splatsr.load(changed(content, tmp_path, conv1__bias=torch.zeros(7)))
    with pytest.raises(InputError, match=r"1 tensor differs: mlp_depth\.weight is not part of the model"):
        splatsr.load(changed(content, tmp_path, mlp_depth__weight=torch.zeros(7)))
    with pytest.raises(InputError, match=r"1 tensor differs: encoder\.tail\.1\.weight is not part of the model"):
        splatsr.load(changed(content, tmp_path, encoder__edsr__tail__1__weight=torch.zeros(4, 64, 3, 3)))  # not to RGB
    missing = {name: tensor for name, tensor in content["model"]["sd"].items() if name != "mlp.layers.10.bias"}
    torch.save({"model": {**content["model"], "sd": missing}}, tmp_path / "missing.pth")
    with pytest.raises(InputError, match=r"1 tensor differs: cgm\.mlp\.10\.bias is missing"):
        splatsr.load(tmp_path / "missing.pth")


HAT = {"name": "hat", "args": {"window_size": 7}}
LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"encoder_spec": {"name": "unet", "args": {}}}, "'unet'.*; expected a name of swinir, hat"),
        ({"encoder_spec": {"name": ["hat"], "args": {}}}, "expected a name of"),
        ({"encoder_spec": {"name": "hat", "args": {}, "sd": {}}}, "expected a name of"),
        ({"encoder_spec": "hat"}, "expected a name of"),
        ({}, "encoder_spec is None"),
        ({"encoder_spec": HAT}, "hat has window_size 7; published is 16"),
        ({"encoder_spec": {"name": "hat", "args": {"gates": 7}}}, "hat has no argument 'gates'"),
        ({"encoder_spec": {"name": "hat", "args": [7]}}, "args are"),
        ({"encoder_spec": {"name": "swinir", "args": {"window_size": 8}}}, "swinir has no argument"),
        ({"encoder_spec": {"name": "edsr-baseline", "args": {"scale": 2}}}, "scale 2; published is 4"),
        ({"encoder_spec": {"name": "hat"}, "model_class": "os.system"}, "no argument 'model_class'"),
        ({"encoder_spec": {"name": "hat"}, "cnn_spec": torch.zeros(2)}, "more than plain values"),
        ({"encoder_spec": {"name": "hat"}, "fc_spec": LOOP}, "more than plain values"),
        ({"encoder_spec": {"name": "hat"}, "fc_spec": {3: "a"}}, "more than plain values"),
    ],
)
def test_only_the_published_networks_are_known(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        published.translate(with_arguments(**arguments), source="file")


def test_other_methods_and_odd_state_dicts_are_refused() -> None:
    plain = with_arguments(encoder_spec={"name": "hat", "args": None}, cnn_spec={"name": "cnn", "args": {"in_channels": 7}})
    published.translate(plain, source="file")
    for entries, message in (
        ({"name": "unet"}, "the method 'unet'.*LIIF .'liif'."),
        ({"args": [1]}, "more than plain values"),
        ({"sd": [1]}, "maps no names"),
        ({"sd": {1: torch.zeros(1)}}, "maps no names"),
        ({"sd": {"conv1.bias": 3}}, "conv1.bias in its state dict is no tensor"),
    ):
        with pytest.raises(InputError, match=message):
            published.translate({"model": {**plain["model"], **entries}}, source="file")


def test_other_pickles_are_not_taken_for_published_ones(tmp_path: Path) -> None:
    torch.save({"model": {"name": "continuous-gaussian"}}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="no state_dict"):
        splatsr.load(tmp_path / "other.pth")


def test_the_family_is_known_by_its_published_arguments() -> None:
    arguments = {
        "encoder_spec": {"name": "edsr-baseline", "args": {"no_upsampling": True}},
        "imnet_spec": {"name": "mlp", "args": {"out_dim": 3, "hidden_list": (256, 256, 256, 256)}},
    }
    content = {"model": {"name": "liif", "args": arguments, "sd": {}}}
    assert published.translate(content, source="file")[0]["_target_"] == "splatsr.models.liif.LIIF"
    for changes, message in (
        ({"cell_decode": False}, "LIIF has cell_decode False; published is True"),
        ({"imnet_spec": {"name": "mlp", "args": {"out_dim": 3, "hidden_list": [16]}}}, "LIIF has imnet_spec .*; published is"),
        ({"encoder_spec": {"name": "hat"}}, "expected a name of edsr-baseline, rdn, swinir"),
        ({"encoder_spec": {"name": "rdn", "args": {"no_upsampling": False}}}, "no_upsampling False; published is True"),
        ({"basis_spec": {}}, "LIIF has no argument 'basis_spec'"),
    ):
        with pytest.raises(InputError, match=message):
            published.translate({"model": {**content["model"], "args": {**arguments, **changes}}}, source="file")
