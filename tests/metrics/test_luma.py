import pytest
import torch
from skimage.color import rgb2ycbcr
from skimage.data import chelsea

from splatsr.metrics.luma import luma
from splatsr.resize.levels import to_tensor


def test_luma_is_studio_range() -> None:
    image = chelsea()[:20, :30]
    expected = torch.from_numpy(rgb2ycbcr(image)[..., 0] / 255)
    torch.testing.assert_close(luma(to_tensor(image).double())[0], expected, atol=1e-6, rtol=0)
    assert luma(torch.ones(3, 1, 1)).item() == pytest.approx(235 / 255)
    assert luma(torch.zeros(3, 1, 1)).item() == pytest.approx(16 / 255)
