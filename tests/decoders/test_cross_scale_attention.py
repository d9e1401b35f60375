import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, interpolate, pad

from splatsr.decoders import cross_scale_attention
from splatsr.decoders.cross_scale_attention import CrossScaleAttention


def by_definition(attention: CrossScaleAttention, features: Tensor) -> Tensor:
    """One image, the specification step by step, patches cut out one by one."""
    height, width = features.shape[-2:]
    even = pad(features, (0, width % 2, 0, height % 2), mode="reflect")
    halved = interpolate(even, scale_factor=0.5, mode="bilinear", align_corners=False)
    full, places = pad(attention.conv_assembly(even), (2, 2, 2, 2)), pad(attention.conv_match_2(halved), (1, 1, 1, 1))
    rows, columns = halved.shape[-2:]
    covers, patterns = [], []
    for row in range(rows):
        for column in range(columns):
            covers.append(full[0, :, 2 * row : 2 * row + 6, 2 * column : 2 * column + 6])
            pattern = places[0, :, row : row + 3, column : column + 3]
            patterns.append(pattern / max(pattern.norm(), 1e-4))
    likeness = conv2d(attention.conv_match_1(even), torch.stack(patterns), padding=1)
    doubled = conv_transpose2d((10 * likeness).softmax(1), torch.stack(covers), stride=2, padding=2)
    return attention.down(doubled)[..., :height, :width] / 6


@pytest.mark.parametrize("size", [(6, 8), (7, 5), (3, 4)])
def test_it_is_its_definition_in_pieces_or_at_once(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    attention = CrossScaleAttention(channels=6).double()
    features = torch.randn(2, 6, *size, dtype=torch.float64)
    expected = torch.cat([by_definition(attention, one[None]) for one in features])
    torch.testing.assert_close(attention(features), expected)
    for pixels in (1, 3, 15):  # at a time: parts of a row, or rows
        monkeypatch.setattr(cross_scale_attention, "_TOGETHER", pixels * 36 * 6)
        with torch.inference_mode():
            torch.testing.assert_close(attention(features), expected)


@torch.inference_mode()
def test_single_rows_and_pixels_have_features_too() -> None:
    for size in ((1, 1), (1, 6), (5, 1)):
        made = CrossScaleAttention(channels=4)(torch.randn(1, 4, *size))
        assert made.shape == (1, 4, *size)
        assert made.isfinite().all()
