"""metrics.json, byte by byte, and back."""

import copy
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from composed import protocol_of
from splatsr.errors import InputError
from splatsr.image.model import Model
from splatsr.image.self_ensemble import SelfEnsemble
from splatsr.metrics.figure import BICUBIC, MODEL, Evaluation, Figure, ImageFigure
from splatsr.metrics.record import MeasuredModel, Record, read_record, write_record
from splatsr.models.bicubic import Bicubic
from splatsr.models.two_stage import TwoStage

PROTOCOL = protocol_of("l_pil")
FOUND = Evaluation(
    figures=[
        Figure("Set5", 4.0, "psnr_y", MODEL, 30.5, 2),
        Figure("Set5", 4.0, "psnr_y", BICUBIC, 28.25, 2),
        Figure("Set5", 3.3, "psnr_y", MODEL, 32.0, 2),
        Figure("Set5", 3.3, "psnr_y", BICUBIC, 29.0, 2),
    ],
    image_figures=[
        ImageFigure("Set5", 4.0, "psnr_y", MODEL, 31.0, "baby.png"),
        ImageFigure("Set5", 4.0, "psnr_y", BICUBIC, 28.5, "baby.png"),
        ImageFigure("Set5", 3.3, "psnr_y", MODEL, 33.0, "bird.png"),
    ],
    images={"Set5": ["baby.png", "bird.png"]},
    scales=[4.0, 3.3],
    missing={"lpips": "its network's weights are not on this machine"},
)
SETS = {
    "Set5": {
        "x4": {"psnr_y": 30.5, "lpips": None, "bicubic_psnr_y": 28.25, "bicubic_lpips": None, "images": 2},
        "x3.3": {"psnr_y": 32.0, "lpips": None, "bicubic_psnr_y": 29.0, "bicubic_lpips": None, "images": 2},
    }
}
IMAGES = {
    "Set5": {
        "x4": {"baby.png": {"psnr_y": 31.0, "bicubic_psnr_y": 28.5}, "bird.png": {}},
        "x3.3": {"baby.png": {}, "bird.png": {"psnr_y": 33.0}},
    }
}


class Toy(Model):
    """A model with an encoder and seven parameters."""

    rendering = "point samples"

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(6, 1)


class First(Toy):
    """A restoring network."""


@pytest.mark.parametrize(("order", "name"), [("restoration_first", "First+Toy"), ("sr_first", "Toy+First")])
def test_two_stages_are_named_in_their_order(order: str, name: str, tmp_path: Path) -> None:
    for model in (both := TwoStage(restoration=First(), sr=Toy(), order=order), SelfEnsemble(both)):
        write_record(tmp_path / "metrics.json", FOUND, protocol=PROTOCOL, model=model, checkpoint="both.safetensors")
        assert read_record(tmp_path / "metrics.json").model == MeasuredModel(name, None, 14)


def test_the_file_has_the_documented_form(tmp_path: Path) -> None:
    write_record(tmp_path / "metrics.json", FOUND, protocol=PROTOCOL, model=Toy(), checkpoint="model.safetensors")
    expected = {
        "schema": 2,
        "protocol": PROTOCOL.describe(),
        "model": {"name": "Toy", "encoder": "Linear", "parameters": 7},
        "checkpoint": "model.safetensors",
        "rendering": "point samples",
        "sets": SETS,
        "images": IMAGES,
        "missing": FOUND.missing,
        "failures": [],
    }
    assert (tmp_path / "metrics.json").read_text() == json.dumps(expected, indent=2) + "\n"


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_record(tmp_path / "metrics.json", FOUND, protocol=PROTOCOL, model=Bicubic(), checkpoint=None)
    record = read_record(tmp_path / "metrics.json")
    assert record.evaluation == FOUND
    assert not PROTOCOL.difference(record.protocol)
    assert record.model == MeasuredModel("Bicubic", None, 0)
    assert (record.checkpoint, record.rendering) == (None, "PIL bicubic, 8 bit")


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (None, "does not exist; expected a run that has been evaluated"),
        ("{", "is damaged"),
        ("[]", "has schema null, expected 2"),
        ('{"schema": 1}', "has schema 1, expected 2: evaluate that run again"),
        ('{"schema": 2}', 'is damaged: .*missing required key.*"sets"'),
        ('{"schema": ' + "[" * 100_000 + "}", "is damaged"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, content: str | None, refusal: str) -> None:
    if content is not None:
        (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(InputError, match=f"metrics.json {refusal}"):
        read_record(tmp_path / "metrics.json")


def test_figures_without_a_number_are_valid_json_and_come_back(tmp_path: Path) -> None:
    found = Evaluation(
        figures=[
            Figure("set", 2.0, "psnr_y", MODEL, 31.5, 3, 1),
            Figure("set", 2.0, "psnr_y", BICUBIC, math.inf, 3, 3),
        ],
        image_figures=[
            ImageFigure("set", 2.0, "psnr_y", MODEL, math.inf, "a/x.png"),
            ImageFigure("set", 2.0, "psnr_y", MODEL, -math.inf, "b/x.png"),
        ],
        images={"set": ["a/x.png", "b/x.png", "\udce9.png", "broken.png"]},
        scales=[2.0],
        missing={},
        failures=("broken.png of set is left out at x2: it is damaged.",),
    )
    path = tmp_path / "metrics.json"
    write_record(path, found, protocol=PROTOCOL, model=Bicubic(), checkpoint=None)

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    content = json.loads(path.read_text(), parse_constant=refuse)
    assert content["sets"]["set"]["x2"] == {
        "psnr_y": 31.5,
        "bicubic_psnr_y": "inf",
        "images": 3,
        "infinite": {"psnr_y": 1, "bicubic_psnr_y": 3},
    }
    assert [row.get("psnr_y") for row in content["images"]["set"]["x2"].values()] == ["inf", "-inf", None, None]
    assert read_record(path).evaluation == found


def test_what_could_not_be_measured_is_null(tmp_path: Path) -> None:
    found = FOUND._replace(figures=[Figure("Set5", 4.0, "psnr_y", MODEL, math.nan, 0)])
    write_record(tmp_path / "metrics.json", found, protocol=PROTOCOL, model=Bicubic(), checkpoint=None)
    assert json.loads((tmp_path / "metrics.json").read_text())["sets"]["Set5"]["x4"]["psnr_y"] is None
    assert read_record(tmp_path / "metrics.json").evaluation.figures == []


def test_files_written_before_there_were_failures_are_read(tmp_path: Path) -> None:
    write_record(tmp_path / "metrics.json", FOUND, protocol=PROTOCOL, model=Bicubic(), checkpoint=None)
    content = json.loads((tmp_path / "metrics.json").read_text())
    del content["failures"]
    content["sets"]["Set5"]["x4"]["psnr_y"] = math.inf
    (tmp_path / "metrics.json").write_text(json.dumps(content))
    assert "Infinity" in (tmp_path / "metrics.json").read_text()
    assert read_record(tmp_path / "metrics.json").evaluation.figures[0].value == math.inf


BAD: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 10**30, 10**400, math.inf, -math.inf, math.nan, 1e308, "", "text", "inf", "\ud800$\\x$\n"),
    *([], {}, [[]], [1, None], {"_target_": 1}, {"x4": {}}, {"images": -1}),
)


def spots(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value below `node`."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from spots(value, (*path, key))


def changed(content: dict[str, Any], spot: tuple[Any, ...], bad: Any, *, how: str) -> dict[str, Any]:
    """The content with the value at this spot replaced or removed, or its key (where it has one) replaced."""
    content = copy.deepcopy(content)
    node: Any = content
    for key in spot[:-1]:
        node = node[key]
    if how == "value":
        node[spot[-1]] = bad
    else:
        value = node.pop(spot[-1])
        if how == "key" and isinstance(node, dict):
            node[str(bad)] = value
    return content


def damaged_records(tmp_path: Path) -> Iterator[Record]:
    """What is read of files that are damaged in one place, however that is possible; all others are refused in one line."""
    path = tmp_path / "metrics.json"
    write_record(path, FOUND, protocol=PROTOCOL, model=Toy(), checkpoint="model.safetensors")
    content = json.loads(path.read_text())
    content["protocol"] = {"name": "L-pil", "metrics": ["psnr"]}
    content["sets"] = {"Set5": {"x4": {"psnr_y": 30.5, "images": 2, "infinite": {"psnr_y": 1}}}}
    content["images"] = {"Set5": {"x4": {"baby.png": {"psnr_y": 31.0}}}}
    content["failures"] = ["a line"]
    for spot in spots(content):
        for bad, how in [(None, "none"), *((bad, "value") for bad in BAD), *((bad, "key") for bad in BAD[-6:])]:
            path.write_text(json.dumps(changed(content, spot, bad, how=how)))
            try:
                yield read_record(path)
            except InputError as refusal:
                assert len(str(refusal).splitlines()) == 1
                assert str(refusal).isprintable()


def test_a_damaged_file_is_read_or_refused_in_one_line_and_what_is_read_is_of_its_types(tmp_path: Path) -> None:
    for record in damaged_records(tmp_path):
        assert isinstance(record.protocol["name"], str)
        assert (type(record.model.name), type(record.model.parameters)) == (str, int)
        assert all(isinstance(figure.value, float) for figure in record.evaluation.figures)
        assert all(isinstance(figure.images, int) for figure in record.evaluation.figures)


@pytest.mark.parametrize(
    ("spot", "bad"),
    [
        (("sets", "Set5", "x4", "psnr_y"), 1e308),
        (("sets", "Set5", "x4", "psnr_y"), "1.5"),
        (("sets", "Set5", "x4", "psnr_y"), True),
        (("sets", "Set5", "x4", "images"), "2"),
        (("sets", "Set5", "x4", "images"), -1),
        (("sets", "Set5"), {}),
        (("images", "Set5", "x4", "baby.png", "psnr_y"), "high"),
        (("images", "Set5", "x2"), {}),
        (("sets", "Set5", "x4.0"), {}),
        (("sets", "Set5", "xinf"), {}),
        (("model", "parameters"), 10**30),
        (("model", "parameters"), 1.5),
        (("protocol",), {}),
        (("protocol", "name"), None),
        (("missing", "lpips"), None),
        (("failures",), "a line"),
    ],
)
def test_what_no_record_says_is_refused(spot: tuple[str, ...], bad: Any, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_record(path, FOUND, protocol=PROTOCOL, model=Toy(), checkpoint=None)
    path.write_text(json.dumps(changed(json.loads(path.read_text()), spot, bad, how="value")))
    with pytest.raises(InputError, match=r"metrics\.json is damaged"):
        read_record(path)
