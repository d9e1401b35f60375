import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import save_model
from splatsr.errors import InputError
from splatsr.image_files.writing import write_image
from splatsr.jobs.evaluate import evaluate
from splatsr.metrics.figure import BICUBIC, MODEL, Evaluation, select
from splatsr.runs.run import Run


def run(
    photographs: Path,
    run_dir: Path,
    *overrides: str,
    pictures: int = 0,
    scales: list | None = None,
    metrics: list | None = None,
    beside: dict | None = None,
    checkpoint: str | None = None,
    self_ensemble: bool = False,
) -> Evaluation:
    settings = settings_of("job=evaluate", "data=folder", f"data.test={photographs}", *overrides)
    return evaluate(
        model=settings["model"], checkpoint=checkpoint, beside=beside or {}, table=settings["table"], data=settings["data"],
        protocol=settings["protocol"], metrics=metrics,
        scales=scales or [2, 3.3], pictures=pictures, device="cpu", precision="auto", self_ensemble=self_ensemble,
        run=Run(run_dir, settings),
    )  # fmt: skip


def test_bicubic_is_beside_every_row_and_the_protocol_is_stamped(photographs: Path, tmp_path: Path) -> None:
    found = run(photographs, tmp_path / "run", "model=bicubic")
    written = json.loads((tmp_path / "run/metrics.json").read_text())
    rows = written["sets"]["photographs"]
    assert [row["psnr_y"] for row in rows.values()] == [
        figure.value for figure in select(found.figures, metric="psnr_y", method=MODEL)
    ]
    assert written["schema"] == 2
    assert written["model"] == {"name": "Bicubic", "encoder": None, "parameters": 0}
    assert written["checkpoint"] is None
    assert set(rows) == {"x2", "x3.3"}
    for row in rows.values():
        assert row["psnr_y"] == row["bicubic_psnr_y"]
        assert row["ssim_y"] == row["bicubic_ssim_y"]
        assert row["images"] == 3
    assert written["protocol"]["luminance"] is True
    assert written["rendering"] == "PIL bicubic, 8 bit"
    assert "not rounded" in written["protocol"]["rounding"]


def test_a_self_ensemble_is_measured_as_the_model_it_is_made_of(photographs: Path, tmp_path: Path, tiny_file: Path) -> None:
    alone = run(photographs, tmp_path / "alone", checkpoint=str(tiny_file), scales=[2])
    mean = run(photographs, tmp_path / "mean", checkpoint=str(tiny_file), scales=[2], self_ensemble=True)
    values = [select(found.figures, metric="psnr_y", method=MODEL)[0].value for found in (alone, mean)]
    assert values[0] != values[1]
    written = [json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("alone", "mean")]
    assert written[0]["model"] == written[1]["model"]
    assert written[1]["rendering"] == written[0]["rendering"] + "; mean over eight orientations"


def test_rgb_protocol_names_its_metrics(photographs: Path, tmp_path: Path) -> None:
    found = run(photographs, tmp_path / "run", "model=bicubic", "protocol=l_pil_div2k", scales=[2])
    assert {(figure.method, figure.metric) for figure in found.figures} == {
        (method, metric) for method in (MODEL, BICUBIC) for metric in ("psnr_rgb", "ssim_rgb")
    }


def test_the_record_holds_every_image_and_their_mean_is_the_sets_figure(photographs: Path, tmp_path: Path) -> None:
    run(photographs, tmp_path / "run", "model=bicubic", scales=[2])
    written = json.loads((tmp_path / "run/metrics.json").read_text())
    images = written["images"]["photographs"]["x2"]
    assert set(images) == {"0.png", "1.png", "2.png"}
    for key, value in written["sets"]["photographs"]["x2"].items():
        if key != "images":
            assert sum(row[key] for row in images.values()) / 3 == pytest.approx(value, abs=1e-12)


def test_a_metric_without_its_network_is_left_out_visibly(
    photographs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    found = run(photographs, tmp_path / "run", "model=bicubic", scales=[2], metrics=["psnr", "lpips", "dists", "fid"])
    written = json.loads((tmp_path / "run/metrics.json").read_text())
    row = written["sets"]["photographs"]["x2"]
    assert {figure.metric for figure in found.figures} == {"psnr_y"}
    assert "PSNR-Y (dB), protocol L-pil" in capsys.readouterr().out
    assert row["psnr_y"] > 20
    assert row["lpips"] is row["dists"] is row["fid"] is row["bicubic_lpips"] is None
    for name, file in {"lpips": "alexnet", "dists": "vgg16", "fid": "inception"}.items():
        assert file in written["missing"][name]
        assert f"{tmp_path / 'empty'}" in written["missing"][name]
        assert f"{name} is not measured" in caplog.text
    assert "ssim_y" not in row


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_pictures_are_drawn(photographs: Path, tmp_path: Path) -> None:
    run(photographs, tmp_path / "run", "model=bicubic", pictures=2)
    names = sorted(path.name for path in (tmp_path / "run/pictures").iterdir())
    assert names == ["photographs-0-x3.3.png", "photographs-1-x3.3.png", "psnr.png"]
    assert matplotlib.image.imread(tmp_path / "run/pictures/psnr.png").std() > 0.05


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_of_gaussiansr_the_bank_is_drawn(photographs: Path, tmp_path: Path) -> None:
    small = [f"model.{key}" for key in ("encoder.channels=8", "encoder.out_channels=8", "encoder.blocks=1", "hidden=[8]")]
    for name, splatted in (("two_streams", 4), ("one_stream", 0)):
        config = settings_of("model=gaussiansr", *small, f"model.splatted={splatted}")["model"]
        save_model(build(config), config, tmp_path / f"{name}.safetensors")
        run(photographs, tmp_path / name, scales=[2], pictures=1, checkpoint=str(tmp_path / f"{name}.safetensors"))
        drawn = {path.name for path in (tmp_path / name / "pictures").iterdir()}
        assert ("photographs-bank-x2.png" in drawn) == (splatted > 0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_strips_show_more_models_and_the_curve_the_papers_points(photographs: Path, tmp_path: Path, tiny_file: Path) -> None:
    urban = photographs.rename(photographs.with_name("urban100"))
    run(urban, tmp_path / "one", "model=bicubic", pictures=1)
    run(urban, tmp_path / "more", "model=bicubic", "table=table1", pictures=1, beside={"tiny": str(tiny_file)})
    one, more = (
        {name: matplotlib.image.imread(tmp_path / f"{folder}/pictures/{name}.png") for name in ("urban100-0-x3.3", "psnr")}
        for folder in ("one", "more")
    )
    assert more["urban100-0-x3.3"].shape[1] > one["urban100-0-x3.3"].shape[1]
    assert (more["psnr"] - one["psnr"]).std() > 0.01


def test_broken_odd_and_exact_images_are_told_and_the_others_measured(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photographs / "deeper").mkdir()
    (photographs / "1.png").rename(photographs / "deeper" / "0.png")
    (photographs / "2.png").rename(photographs / "[red] $x$.png")
    (photographs / "broken.png").write_bytes(b"broken")
    write_image(photographs / "flat.png", np.full((40, 40, 3), 90, np.uint8))
    with pytest.raises(InputError, match="1 of 5 measurements of test images failed"):
        run(photographs, tmp_path / "run", "model=bicubic", pictures=5, scales=[2])
    printed = capsys.readouterr()
    assert "broken.png of photographs is left out at x2: " in printed.err
    assert "psnr_y of photographs at x2, model: 1 of 4 images come out exactly" in printed.out
    written = json.loads((tmp_path / "run/metrics.json").read_text())
    assert written["images"]["photographs"]["x2"].keys() == {"[red] $x$.png", "0.png", "broken.png", "deeper/0.png", "flat.png"}
    assert written["sets"]["photographs"]["x2"]["images"] == 4
    strips = {path.name for path in (tmp_path / "run/pictures").glob("*-x2.png")}
    assert strips == {f"photographs-{stem}-x2.png" for stem in ("[red] $x$", "0", "deeper-0", "flat")}
