from pathlib import Path

import matplotlib.image
import pytest
import torch

from splatsr.image.field import GaussianField
from splatsr.pictures.field import draw_field


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
@pytest.mark.parametrize("size", [(6, 9), (70, 50)])
def test_a_field_is_drawn(size: tuple[int, int], tmp_path: Path) -> None:
    height, width = size
    means = torch.rand(1, 200, 2) * torch.tensor([width, height])
    field = GaussianField(means, torch.rand(1, 200, 3) / 2, torch.rand(1, 200, 3), size)
    draw_field(field, torch.rand(3, *size), tmp_path / "field.png", title="random")
    picture = matplotlib.image.imread(tmp_path / "field.png")
    assert picture[:, : picture.shape[1] // 5].std() > 0.1  # centres over the LR image
    assert picture[:, -picture.shape[1] // 5 :].std() > 0.1  # the level
