"""Files from anywhere: whatever a model's file says of its model, it gets one clear line and takes no memory."""

import copy
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import splatsr
from composed import settings_of
from splatsr.checkpoints import untrusted
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import KEY, save_model
from splatsr.checkpoints.untrusted import DEEPEST, build_from_file, count_elements
from splatsr.errors import InputError
from splatsr.heads.dictionary import save_dictionary

SMALL = ("model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8")


@pytest.fixture
def forged(tmp_path: Path) -> Callable[..., Path]:
    """Writes a valid model's file with its configuration changed by a function."""

    def write(change: Callable[[dict[str, Any]], Any]) -> Path:
        config = copy.deepcopy(settings_of(*SMALL)["model"])
        model = build(config)
        save_model(model, change(config) or config, tmp_path / "forged.safetensors")
        return tmp_path / "forged.safetensors"

    return write


def test_a_file_cannot_write_or_read_other_files(forged: Callable[..., Path], tmp_path: Path) -> None:
    target = tmp_path / "written.safetensors"
    rows = [[1.0, 0.0, 1.0]]
    calls = (
        {"_target_": "splatsr.heads.dictionary.save_dictionary", "rows": rows, "path": str(target)},
        {"_target_": "splatsr.heads.dictionary.file_dictionary", "file": str(tmp_path / "dictionary.safetensors")},
    )
    save_dictionary(torch.tensor(rows), tmp_path / "dictionary.safetensors")
    for call in calls:
        with pytest.raises(InputError, match="refusing to build it"):
            splatsr.load(forged(lambda config, call=call: config["shapes"].update(dictionary=call)))
    assert not target.exists()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("channels", 60_000, "whole numbers from 0 to"),
        ("channels", 4096, "far larger than the tensors"),
        ("channels", -3, "is -3"),
        ("channels", None, "channels must be a whole number"),
        ("channels", "many", "channels must be a whole number"),
        ("channels", 0, "channels must be a whole number from 1"),
        ("channels", 2.5, "channels must be a whole number"),
        ("blocks", 10**30, "whole numbers from 0 to"),
        ("blocks", [1], "blocks must be a whole number"),
        ("input_mean", "grey", "input_mean must be a number from 0 to 1"),
        ("input_mean", float("nan"), "input_mean must be a number from 0 to 1; got nan"),
        ("upscale", 0, "upscale must be one of"),
        ("surplus", 1, "EDSR"),
        ("\x1b[31m\nerror: all is well", 1, r"\\x1b\[31m\\nerror: all is well"),
        ("\ud800", 1, r"\\ud800"),
    ],
)
def test_parts_that_no_model_has_get_one_line(forged: Callable[..., Path], name: str, value: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        splatsr.load(forged(lambda config: config["encoder"].update({name: value})))
    assert "\n" not in str(caught.value)
    assert "forged.safetensors" in str(caught.value)


@pytest.mark.parametrize("part", ["text", None, {}, {"_target_": "splatsr.models.bicubic.Bicubic"}])
@pytest.mark.parametrize("name", ["encoder", "positions"])
def test_a_part_that_is_none_gets_one_line(forged: Callable[..., Path], name: str, part: object) -> None:
    with pytest.raises(InputError, match=r"forged\.safetensors"):
        splatsr.load(forged(lambda config: config.update({name: part})))


def test_a_file_of_an_encoder_alone_is_no_model(forged: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="holds no model of this suite, only EDSR"):
        splatsr.load(forged(lambda config: config["encoder"]))


def test_nesting_is_bounded(forged: Callable[..., Path]) -> None:
    deep: Any = 1
    for _ in range(DEEPEST + 2):
        deep = {"again": deep}
    with pytest.raises(InputError, match=f"nested more than {DEEPEST} deep"):
        splatsr.load(forged(lambda config: config.update(encoder=deep)))


def test_a_header_too_deep_to_parse_is_damage(tmp_path: Path) -> None:
    header = '{"model": ' + "[" * 100_000 + "]" * 100_000 + "}"
    save_file({"a": torch.zeros(1)}, tmp_path / "deep.safetensors", metadata={KEY: header})
    with pytest.raises(InputError, match="damaged"):
        splatsr.load(tmp_path / "deep.safetensors")


@pytest.mark.parametrize("value", [b"bytes", {1: 2}, torch.zeros(2)])
def test_values_of_a_checkpoint_that_are_not_plain_are_damage(value: object) -> None:
    with pytest.raises(InputError, match=r"here\.ckpt is damaged"):
        build_from_file({"encoder": value}, elements=10, source="here.ckpt")


def test_a_model_as_large_as_its_file_is_built() -> None:
    config = settings_of("experiment=ours_plus")["model"]
    assert sum(tensor.numel() for tensor in build(config).state_dict().values()) > 10_000_000
    build_from_file(json.loads(json.dumps(config)), elements=12_000_000, source="here")


def test_a_file_that_inflates_is_refused_before_it_does(tmp_path: Path) -> None:
    whole, bomb = tmp_path / "whole.ckpt", tmp_path / "bomb.ckpt"
    torch.save({"state_dict": {"model.a": torch.zeros(20_000_000)}}, whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry, source.read(entry), zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < whole.stat().st_size / 100
    with pytest.raises(InputError, match="would inflate to 80,"):
        splatsr.load(bomb)


@pytest.mark.parametrize("builder", ["grid", "normal", "sampled"])
def test_a_model_calls_no_builder_of_a_prior(forged: Callable[..., Path], builder: str) -> None:
    call = {
        "_target_": f"splatsr.prior.dictionaries.{builder}",
        "kernels": {"_target_": "splatsr.heads.dictionary.published_dictionary"},
    }
    with pytest.raises(InputError, match="is no part of a model"):
        splatsr.load(forged(lambda config: config["shapes"].update(dictionary=call)))


def test_many_small_layers_are_refused_as_large_ones_are(forged: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="hidden must be a list of whole numbers from 1 to 65536, at most 1000 of them"):
        splatsr.load(forged(lambda config: config["colors"].update(hidden=[1] * 1001)))
    many = {"depths": [1000] * 1000, "heads": [1] * 1000}
    swinir = settings_of("model=continuoussr_tiny", "model/encoder=swinir")["model"]["encoder"]
    with pytest.raises(InputError, match="far larger than the tensors"):
        splatsr.load(forged(lambda config: config.update(encoder={**swinir, **many})))


def test_a_value_that_holds_itself_or_one_list_many_times_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untrusted, "MOST", 1000)
    same: list[Any] = [1]
    for _ in range(DEEPEST - 2):
        same = [same] * 100
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InputError, match="by more than 1,000 values"):
        build_from_file({"encoder": same}, elements=10, source="here.ckpt")
    with pytest.raises(InputError, match="nested more than"):
        build_from_file({"encoder": endless}, elements=10, source="here.ckpt")


@pytest.mark.parametrize("name", ["channels", "seed"])
def test_a_number_too_long_to_be_written_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=rf"{name} is far beyond; models have whole numbers"):
        build_from_file({name: 10**5000}, elements=10, source="here.ckpt")


def test_numbers_are_counted_as_they_are_stored() -> None:
    stored = torch.zeros(100)
    assert count_elements({"a": stored, "b": stored[:50], "c": torch.zeros(1).expand(10**6)}) == 101


def test_a_dictionary_of_no_extent_is_named(forged: Callable[..., Path]) -> None:
    rows = {"_target_": "splatsr.heads.dictionary.listed_dictionary", "rows": [[0.0, 0.0, 0.0]]}
    with pytest.raises(InputError, match="mean row must have l11 and l22 greater than 0, got 0 and 0"):
        splatsr.load(forged(lambda config: config["shapes"].update(dictionary=rows)))


def test_kernels_beyond_any_picture_are_refused(forged: Callable[..., Path]) -> None:
    rows = {"_target_": "splatsr.heads.dictionary.listed_dictionary", "rows": [[1e38, 0.0, 1e38]]}
    with pytest.raises(InputError, match="rows must be a list of"):
        splatsr.load(forged(lambda config: config["shapes"].update(dictionary=rows)))
    with pytest.raises(InputError, match="offset_range must be a number greater than 0 and of at most 100"):
        splatsr.load(forged(lambda config: config["positions"].update(offset_range=1e38)))
