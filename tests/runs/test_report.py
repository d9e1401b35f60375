import math

from splatsr.metrics.figure import BICUBIC, MODEL, Figure
from splatsr.metrics.names import find_metric
from splatsr.runs.report import notes_on, results_table


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
