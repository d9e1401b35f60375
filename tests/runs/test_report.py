import math
from pathlib import Path

import pytest

from composed import protocol_of, settings_of
from splatsr.data.module import PhotoData
from splatsr.errors import InputError
from splatsr.metrics.figure import BICUBIC, MODEL, Figure
from splatsr.metrics.names import find_metric
from splatsr.models.bicubic import Bicubic
from splatsr.runs.configuration import instantiate
from splatsr.runs.report import draw_strips, notes_on, results_table


def test_the_table_has_the_model_bicubic_and_their_difference() -> None:
    figures = [
        Figure("set5", scale, "psnr_y", method, value, 5)
        for scale, method, value in (
            (2.0, MODEL, 37.126), (2.0, BICUBIC, 33.66), (3.5, MODEL, 31.0), (3.5, BICUBIC, 31.5),
        )
    ]  # fmt: skip
    table = results_table(figures, find_metric("psnr", luminance=True), title="protocol L-pil")
    assert table.title == "PSNR-Y (dB), protocol L-pil"
    assert table.headings == ["set", "", "x2", "x3.5"]
    assert table.rows == [
        ["set5", "model", "37.13", "31.00"], ["", "bicubic", "33.66", "31.50"], ["", "difference", "+3.47", "-0.50"],
    ]  # fmt: skip


def test_figures_that_leave_images_out_are_told() -> None:
    figures = [Figure("set", 2.0, "psnr_y", MODEL, 30.0, 5, 2), Figure("set", 2.0, "psnr_y", BICUBIC, 30.0, 5)]
    assert notes_on(figures) == [
        "psnr_y of set at x2, model: 2 of 5 images come out exactly (infinite) and are left out of the mean."
    ]


def test_a_table_of_what_is_no_number() -> None:
    figures = [Figure("[set]", 2.0, "psnr_y", MODEL, math.inf, 1, 1), Figure("[set]", 2.0, "psnr_y", BICUBIC, math.inf, 1, 1)]
    table = results_table(figures, find_metric("psnr", luminance=True), title="t")
    assert table.rows == [["[set]", "model", "inf"], ["", "bicubic", "inf"], ["", "difference", "-"]]


def test_an_image_that_cannot_be_read_has_no_strip_but_a_strip_that_cannot_be_written_is_an_error(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photographs / "1.png").write_bytes((photographs / "1.png").read_bytes()[:300])
    data: PhotoData = instantiate(
        settings_of("data=folder", f"data.train={photographs}", f"data.test={photographs}")["data"], "data"
    )
    drawn: list[Path] = []
    monkeypatch.setattr("splatsr.pictures.strip.draw_strip", lambda *arguments: drawn.append(arguments[-1]))
    wanted = {"scales": [2], "protocol": protocol_of("l_pil"), "pictures": 3, "folder": tmp_path}
    draw_strips({"bicubic": Bicubic()}, data, **wanted)
    assert [path.name for path in drawn] == ["photographs-0-x2.png", "photographs-2-x2.png"]

    def full(*_: object) -> None:
        raise InputError("No space left on device")

    monkeypatch.setattr("splatsr.pictures.strip.draw_strip", full)
    with pytest.raises(InputError, match="No space left"):
        draw_strips({"bicubic": Bicubic()}, data, **wanted)
