from pathlib import Path

import pytest
import torch

from splatsr.data.evaluation_pairs import Pair
from splatsr.metrics.evaluation import predict
from splatsr.models.bicubic import Bicubic


@pytest.mark.parametrize(("scale", "size"), [(3.3, (36, 43)), (3.3, (37, 44)), (4, (37, 41))])
def test_a_prediction_has_the_size_of_its_target(scale: float, size: tuple[int, int]) -> None:
    """The nominal one, round(h s), the one that DIINN's sizes leave, and that of a real zoom of about x4."""
    pair = Pair(torch.rand(3, 11, 13), torch.rand(3, *size), scale, "set", Path("image.png"))
    assert predict(Bicubic(), pair).shape == (3, *size)
