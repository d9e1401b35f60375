from splatsr.metrics.figure import BICUBIC, MODEL, Figure
from splatsr.metrics.names import find_metric
from splatsr.runs.report import results_table


def test_the_table_has_the_model_bicubic_and_their_difference() -> None:
    figures = [
        Figure("set5", scale, "psnr_y", method, value, 5)
        for scale, method, value in (
            (2.0, MODEL, 37.126), (2.0, BICUBIC, 33.66), (3.5, MODEL, 31.0), (3.5, BICUBIC, 31.5),
        )
    ]  # fmt: skip
    table = results_table(figures, find_metric("psnr", luminance=True), title="protocol L-pil")
    cells = [list(column.cells) for column in table.columns]
    assert [column.header for column in table.columns] == ["set", "", "x2", "x3.5"]
    assert cells[0] == ["set5", "", ""]
    assert cells[2:] == [["37.13", "33.66", "+3.47"], ["31.00", "31.50", "-0.50"]]
