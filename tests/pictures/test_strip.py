from pathlib import Path

import matplotlib.axes
import matplotlib.image
import pytest
import torch

from composed import protocol_of, settings_of
from splatsr.checkpoints.build import build
from splatsr.data.evaluation_pairs import EvaluationPairs, without_lr
from splatsr.image_files.folder import find_images
from splatsr.pictures.strip import draw_strip


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
@torch.inference_mode()
def test_a_model_with_kernels_has_a_panel_more(photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    titles: list[str] = []
    set_title = matplotlib.axes.Axes.set_title

    def record(axis: matplotlib.axes.Axes, label: str, **rest: object) -> object:
        titles.append(label)
        return set_title(axis, label, **rest)

    monkeypatch.setattr(matplotlib.axes.Axes, "set_title", record)
    protocol = protocol_of("l_pil")
    (pair,) = EvaluationPairs({"set": without_lr(find_images(photographs)[:1])}, [2], protocol.low_resolution)
    small = ("model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8")
    with_kernels = build(settings_of("model=continuoussr_tiny", *small)["model"]).eval()
    without = build(settings_of("model=bicubic")["model"])
    draw_strip({"ours": with_kernels, "other": without}, pair, protocol, tmp_path / "kernels.png")
    draw_strip({"other": without, "ours": with_kernels}, pair, protocol, tmp_path / "none.png")
    assert sum(title.startswith("kernels: ") for title in titles) == 1
    measured = [title.split("\n")[0] for title in titles if "dB" in title]
    assert measured == ["bicubic", "ours", "other", "bicubic", "other", "ours"]
    sizes = [matplotlib.image.imread(tmp_path / name).shape for name in ("kernels.png", "none.png")]
    assert sizes[0][1] > sizes[1][1]
