import json
from pathlib import Path

import matplotlib.image
import pytest

from composed import settings_of
from splatsr.jobs.evaluate import evaluate


def run(photographs: Path, run_dir: Path, *overrides: str, pictures: int = 0, scales: list | None = None) -> dict:
    settings = settings_of("job=evaluate", "data=folder", f"data.test={photographs}", *overrides)
    settings["data"]["seed"] = 0
    return evaluate(
        model=settings["model"], checkpoint=None, data=settings["data"], protocol=settings["protocol"],
        scales=scales or [2, 3.3], pictures=pictures, device="cpu", run_dir=str(run_dir), settings=settings,
    )  # fmt: skip


def test_bicubic_is_beside_every_row_and_the_protocol_is_stamped(photographs: Path, tmp_path: Path) -> None:
    results = run(photographs, tmp_path / "run", "model=bicubic")
    written = json.loads((tmp_path / "run/metrics.json").read_text())
    assert {name: written[name] for name in results} == results
    assert set(results["photographs"]) == {"x2", "x3.3"}
    for row in results["photographs"].values():
        assert row["psnr_y"] == row["bicubic_psnr_y"]
        assert row["ssim_y"] == row["bicubic_ssim_y"]
        assert row["images"] == 3
    assert written["protocol"]["luminance"] is True
    assert written["rendering"] == "PIL bicubic, 8 bit"
    assert "not rounded" in written["protocol"]["rounding"]


def test_rgb_protocol_names_its_metrics(photographs: Path, tmp_path: Path) -> None:
    results = run(photographs, tmp_path / "run", "model=bicubic", "protocol=l_pil_div2k", scales=[2])
    assert set(results["photographs"]["x2"]) == {"psnr_rgb", "ssim_rgb", "bicubic_psnr_rgb", "bicubic_ssim_rgb", "images"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_pictures_are_drawn(photographs: Path, tmp_path: Path) -> None:
    run(photographs, tmp_path / "run", "model=bicubic", pictures=2)
    names = sorted(path.name for path in (tmp_path / "run/pictures").iterdir())
    assert names == ["photographs-0-x3.3.png", "photographs-1-x3.3.png", "psnr.png"]
    assert matplotlib.image.imread(tmp_path / "run/pictures/psnr.png").std() > 0.05
