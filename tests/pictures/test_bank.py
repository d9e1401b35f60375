from pathlib import Path

import matplotlib.image
import pytest
import torch

from splatsr.pictures.bank import draw_bank


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_the_picture_shows_what_is_chosen(tmp_path: Path) -> None:
    table, lrs = torch.rand(16, 4), [torch.rand(3, 6, 9), torch.rand(3, 7, 5)]
    only, evenly = ([torch.zeros(16, *lr.shape[1:]) for lr in lrs] for _ in range(2))
    for one, other in zip(only, evenly, strict=True):
        one[3] = 1
        other += 1 / 16
    pictures = []
    for number, shares in enumerate((only, evenly)):
        draw_bank(table, shares, lrs, tmp_path / f"{number}.png", title="random")
        pictures.append(matplotlib.image.imread(tmp_path / f"{number}.png"))
        assert pictures[-1][:, : pictures[-1].shape[1] // 5].std() > 0.1  # ellipses on black
    parts = [abs(pictures[0] - pictures[1])[:, start : start + 300].mean() for start in (0, 330, 650)]
    assert min(parts) > 1e-3, "bank, counts and sizes follow the choice"
