"""metrics.json, byte by byte, and back."""

import json
from pathlib import Path

import pytest
from torch import nn

from composed import protocol_of
from splatsr.errors import InputError
from splatsr.image.model import Model
from splatsr.metrics.figure import BICUBIC, MODEL, Evaluation, Figure, ImageFigure
from splatsr.metrics.record import MeasuredModel, read_record, write_record
from splatsr.models.bicubic import Bicubic

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
        ("[]", "has schema None, expected 2"),
        ('{"schema": 1}', "has schema 1, expected 2: evaluate that run again"),
        ('{"schema": 2}', "is damaged: it has no 'sets'"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, content: str | None, refusal: str) -> None:
    if content is not None:
        (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(InputError, match=f"metrics.json {refusal}"):
        read_record(tmp_path / "metrics.json")
