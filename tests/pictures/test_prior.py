from pathlib import Path

import matplotlib.image
import pytest
import torch

from splatsr.pictures.prior import draw_prior


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_the_picture_follows_the_kernels(tmp_path: Path) -> None:
    narrow, wide = torch.rand(400, 3) * 0.2 + 0.9, torch.rand(400, 3) * 2
    pictures = []
    for index, kernels in enumerate((narrow, narrow, wide)):
        draw_prior(kernels, tmp_path / f"{index}.png", title="kernels")
        pictures.append(matplotlib.image.imread(tmp_path / f"{index}.png"))
    assert (pictures[0] == pictures[1]).all()
    assert abs(pictures[0] - pictures[2]).mean() > 0.01
