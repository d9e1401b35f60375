from pathlib import Path

import matplotlib.image
import pytest
import torch

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.decoders.gaussian_bank import ChoosesKernels
from splatsr.pictures.bank import draw_bank


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_the_picture_shows_what_is_chosen(tmp_path: Path) -> None:
    table, lrs = torch.rand(16, 4), [torch.rand(3, 6, 9), torch.rand(3, 7, 5)]
    only, evenly = ([torch.zeros(16, *lr.shape[1:]) for lr in lrs] for _ in range(2))
    for one, other in zip(only, evenly, strict=True):
        one[3] = 1
        other += 1 / 16
    pictures = []
    for index, shares in enumerate((only, evenly)):
        draw_bank(table, shares, lrs, tmp_path / f"{index}.png", title="random")
        pictures.append(matplotlib.image.imread(tmp_path / f"{index}.png"))
        assert pictures[-1][:, : pictures[-1].shape[1] // 5].std() > 0.1  # ellipses on black
    parts = [abs(pictures[0] - pictures[1])[:, start : start + 300].mean() for start in (0, 330, 650)]
    assert min(parts) > 1e-3, "bank, counts and sizes follow the choice"


def test_models_with_a_bank_offer_it_and_others_do_not() -> None:
    small = [f"model.{key}" for key in ("encoder.channels=8", "encoder.out_channels=8", "encoder.blocks=1", "hidden=[8]")]
    model = build(settings_of("model=gaussiansr", *small, "model.splatted=4")["model"])
    assert isinstance(model, ChoosesKernels)
    shares = model.shares(torch.rand(1, 3, 5, 6))
    assert shares.shape == (1, len(model.bank.table), 5, 6)
    torch.testing.assert_close(shares.sum(1), torch.ones(1, 5, 6))
    assert not isinstance(build(settings_of("model=bicubic")["model"]), ChoosesKernels)
