import pytest
import torch

from splatsr.encoders.sparse_attention import SparseChannelAttention


@torch.no_grad()
def test_it_is_its_definition() -> None:
    attention = SparseChannelAttention(channels=20, heads=2)
    attention.temperature.data = torch.tensor([3.0, -2.0]).view(2, 1, 1)  # a negative one turns the order around
    for index, share in enumerate((attention.attn1, attention.attn2, attention.attn3, attention.attn4)):
        share.data.fill_(0.1 * (index + 1))
    x = torch.randn(2, 20, 4, 5)
    q, k, v = attention.qkv_dwconv(attention.qkv(x)).chunk(3, 1)
    made = torch.zeros(2, 20, 20)
    for image in range(2):
        for head in range(2):
            part = slice(10 * head, 10 * head + 10)
            queries, keys, values = (one[image, part].flatten(1) for one in (q, k, v))
            queries, keys = (one / one.norm(dim=1, keepdim=True) for one in (queries, keys))
            similar = queries @ keys.T * attention.temperature[head]
            for share, kept in ((0.1, 5), (0.2, 6), (0.3, 7), (0.4, 8)):  # 1/2, 2/3, 3/4 and 4/5 of ten, rounded down
                for row in range(10):
                    chosen = similar[row].sort(descending=True).indices[:kept]
                    made[image, 10 * head + row] += share * similar[row, chosen].softmax(0) @ values[chosen]
    torch.testing.assert_close(attention(x), attention.project_out(made.view(2, 20, 4, 5)), atol=1e-5, rtol=1e-5)


def test_first_weights() -> None:
    attention = SparseChannelAttention(channels=8, heads=2)
    assert attention.temperature.tolist() == [[[1.0]], [[1.0]]]
    assert attention.attn3.tolist() == [pytest.approx(0.2)]


@pytest.mark.parametrize(("channels", "heads", "message"), [(9, 2, "divided among"), (8, 8, "2 channels at least")])
def test_what_cannot_be_is_refused(channels: int, heads: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SparseChannelAttention(channels=channels, heads=heads)
