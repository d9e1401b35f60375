"""Validation measures what the final evaluation measures: by the run's protocol, its LR rule and its sizes."""

from pathlib import Path

import lightning
import numpy as np
import pytest
import torch

from composed import protocol_of, settings_of
from splatsr.data.module import PhotoData
from splatsr.errors import InputError
from splatsr.image_files.writing import write_image
from splatsr.metrics.evaluation import evaluate
from splatsr.metrics.figure import MODEL, select
from splatsr.runs.configuration import instantiate
from splatsr.training.callbacks.validation import Validation
from splatsr.training.module import SuperResolution
from splatsr.training.schedules import cosine
from splatsr.training.supervision import OnCrops

SMALL = ("model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8")

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers")


@pytest.fixture
def texture(tmp_path: Path) -> Path:
    """A test set of two images whose sides no scale divides, with a Set5 archive's LR files at x2."""
    folder = tmp_path / "Set5"
    for index in range(2):
        image = np.random.default_rng(index).integers(0, 256, (61 + index, 74, 3)).astype(np.uint8)
        write_image(folder / "HR" / f"{index}.png", image)
        write_image(folder / "LR_bicubic" / "X2" / f"{index}x2.png", image[1::2, 1::2][: (61 + index) // 2, :37])
    return tmp_path


def validated(protocol: str, scales: list, root: Path, metrics: list[str]) -> tuple[dict, SuperResolution, PhotoData]:
    """What a validation logs, the module, and the data."""
    sets = ["data=folder", "data.test=[set5]", f"data.test_root={root}", f"data.validation_scales={scales}"]
    settings = settings_of(f"protocol={protocol}", *sets, *SMALL)
    data: PhotoData = instantiate(settings["data"], "data")
    module = SuperResolution(
        model_config=settings["model"], supervision=OnCrops(), loss=torch.nn.L1Loss(), optimizer=torch.optim.Adam,
        schedule=cosine, seed=0,
    )  # fmt: skip
    callback = Validation(protocol=protocol_of(protocol), metrics=metrics)
    trainer = lightning.Trainer(
        accelerator="cpu", logger=False, callbacks=[callback], enable_progress_bar=False, enable_checkpointing=False,
        enable_model_summary=False,
    )  # fmt: skip
    trainer.validate(module, datamodule=data, verbose=False)
    return {name: value.item() for name, value in trainer.callback_metrics.items()}, module, data


@pytest.mark.parametrize(("protocol", "scales"), [("d", [2.5, 3]), ("b", [2]), ("g", [2, 3.3]), ("l_pil", [2])])
def test_curves_and_tables_agree_under_every_protocol(protocol: str, scales: list, texture: Path) -> None:
    logged, module, data = validated(protocol, scales, texture, ["psnr", "ssim"])
    rules = protocol_of(protocol)
    found = evaluate(module.model, data.test_sets, scales, rules, metrics=["psnr", "ssim"])
    for scale in scales:
        for metric in ("psnr", "ssim"):
            name = rules.metric(metric).name
            (figure,) = select(found.figures, scale=scale, metric=name, method=MODEL)
            assert logged[f"val/{rules.name}/{name}/set5/x{scale:g}"] == pytest.approx(figure.value, rel=1e-6)
    means = [value for name, value in logged.items() if f"/{rules.metric('psnr').name}/" in name]
    assert len(means) == len(scales)
    assert logged["val/psnr"] == pytest.approx(sum(means) / len(means), rel=1e-6)


def test_protocols_differ_in_what_is_measured(texture: Path) -> None:
    """Given LR files (b) and made ones (l_pil) are not the same images."""
    given, made = (validated(protocol, [2], texture, ["psnr"])[0]["val/psnr"] for protocol in ("b", "l_pil"))
    assert abs(given - made) > 0.01


def test_a_metric_without_its_network_is_left_out_visibly(
    texture: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    logged, _, _ = validated("l_pil", [2], texture, ["psnr", "lpips", "dists"])
    assert set(logged) == {"val/psnr", "val/L-pil/psnr_y/set5/x2"}
    assert "lpips is not measured" in caplog.text
    assert "dists is not measured" in caplog.text


def test_figures_of_whole_sets_and_unknown_ones_are_refused() -> None:
    with pytest.raises(InputError, match="fid compares whole sets"):
        Validation(protocol=protocol_of("l_pil"), metrics=["psnr", "fid"])
    with pytest.raises(InputError, match="there is no metric 'mse'"):
        Validation(protocol=protocol_of("l_pil"), metrics=["mse"])
