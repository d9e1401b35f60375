from pathlib import Path

import matplotlib.figure
import matplotlib.image
import pytest

from splatsr.pictures.training import draw_curves, draw_page, read_curves


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that was resumed after step 20: steps 20 and 30 were played twice."""
    for index, text in enumerate(
        ("step,train/loss,lr-Adam\n10,0.4,1\n20,0.3,\n30,9.0,\n", "step,train/loss\n20,0.2\n30,0.1\n")
    ):
        log = tmp_path / f"logs/version_{index}/metrics.csv"
        log.parent.mkdir(parents=True)
        log.write_text(text)
    return tmp_path


def test_a_resumed_run_has_one_curve(run: Path) -> None:
    assert read_curves(run) == {"train/loss": [(10, 0.4), (20, 0.2), (30, 0.1)], "lr-Adam": [(10, 1.0)]}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_a_single_runs_validation_has_a_line_for_each_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "logs/version_0/metrics.csv"
    log.parent.mkdir(parents=True)
    log.write_text("step,val/psnr,val/psnr_best,val/L-pil/psnr_y/set5/x4,val/L-pil-div2k/psnr_rgb/div2k/x2\n10,30,30,31,29\n")
    drawn: list[matplotlib.figure.Figure] = []
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda self, *_, **__: drawn.append(self))
    draw_curves({"one": tmp_path}, tmp_path / "one.png")
    draw_curves({"one": tmp_path, "other": tmp_path}, tmp_path / "both.png")
    one, both = ([line.get_label() for line in figure.axes[1].lines] for figure in drawn)
    assert one == ["mean over sets and scales", "set5/x4", "div2k/x2"]
    assert both == ["one", "other"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_curves_and_page_are_drawn(run: Path) -> None:
    draw_curves({"one": run, "other": run}, run / "curves.png")
    draw_page([run / "curves.png", run / "curves.png"], run / "page.png", title="twice")
    curves, page = (matplotlib.image.imread(run / name) for name in ("curves.png", "page.png"))
    assert curves.std() > 0.05
    assert page.shape[0] / page.shape[1] > 1.9 * curves.shape[0] / curves.shape[1]


def test_a_log_that_is_cut_off_loses_its_last_line_alone(run: Path) -> None:
    log = run / "logs/version_1/metrics.csv"
    log.write_bytes(b"step,train/loss\n20,0.2\n30,0.1\n40,0.0x\n5")
    assert read_curves(run)["train/loss"] == [(10, 0.4), (20, 0.2), (30, 0.1)]
    log.write_bytes(b"\xff\x00")
    assert read_curves(run)["train/loss"] == [(10, 0.4), (20, 0.3), (30, 9.0)]
