from pathlib import Path

import matplotlib.figure
import pytest

from composed import protocol_of
from splatsr.metrics.figure import BICUBIC, MODEL, Figure
from splatsr.pictures.curve import draw_psnr_curve
from toy_runs import paper

FIGURES = [
    Figure("urban100", scale, metric, method, value - scale, 100)
    for scale in (4.0, 2.0) for method, value in ((MODEL, 30.0), (BICUBIC, 27.0)) for metric in ("psnr_y", "ssim_y")
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_lines_of_both_methods_by_scale_and_the_papers_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[matplotlib.figure.Figure] = []
    save = matplotlib.figure.Figure.savefig
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda self, *a, **k: (drawn.append(self), save(self, *a, **k)))
    draw_psnr_curve(FIGURES, protocol_of("l_pil"), tmp_path / "psnr.png", paper=paper("table1"))
    (axis,) = drawn[0].axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in axis.lines}
    assert lines["urban100, model"] == [[2, 28], [4, 26]]
    assert lines["urban100, bicubic"] == [[2, 25], [4, 23]]
    assert lines["urban100, ContinuousSR, Ours (SwinIR) (paper)"][0] == [4, 27.65]
    assert axis.get_ylabel() == "PSNR-Y (dB)"
    assert (tmp_path / "psnr.png").stat().st_size > 0
