import math

import pytest
import torch

from splatsr.metrics.psnr import PSNR


def test_a_constant_error_of_a_tenth_is_twenty_decibels_whatever_the_type() -> None:
    clean = torch.rand(3, 7, 9)
    for dtype in (torch.float32, torch.float64):
        assert PSNR()(clean.to(dtype) + 0.1, clean.to(dtype)).item() == pytest.approx(20, abs=1e-4)
    assert math.isinf(PSNR()(clean, clean).item())
