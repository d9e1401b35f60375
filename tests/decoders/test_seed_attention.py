import pytest
import torch
from torch import nn

from splatsr.decoders.seed_attention import (
    BiasedSeedAttention,
    RotarySeedAttention,
    ScaleAttention,
    SeedAttention,
    crossing_index,
    swin_index,
)


@torch.inference_mode()
def test_attention_to_copies_of_one_vector_is_a_constant() -> None:
    attention = ScaleAttention(channels=12)
    plain = nn.MultiheadAttention(12, 3, batch_first=True)
    plain.load_state_dict(attention.state_dict())
    token = torch.randn(2, 12)
    found, _ = plain(torch.randn(2, 16, 12), *[token[:, None].expand(-1, 9, -1)] * 2)
    torch.testing.assert_close(found, attention(token)[:, None].expand(-1, 16, -1))


@pytest.mark.parametrize("kind", [BiasedSeedAttention, RotarySeedAttention])
@torch.inference_mode()
def test_windows_attend_as_plain_attention_says(kind: type[SeedAttention]) -> None:
    attention = kind(channels=16, heads=2, window=3, crossing=True).double()
    queries, context = torch.randn(2, 5, 9, 16).double()
    layers = ((attention.qhead, queries), (attention.khead, context), (attention.vhead, context))
    q, k, v = (layer(x).view(5, 9, 2, 8).transpose(1, 2) for layer, x in layers)
    logits = torch.zeros(2, 9, 9).double()
    if kind is BiasedSeedAttention:
        for one in range(9):
            for other in range(9):
                logits[:, one, other] = attention.relative_position_bias_table[crossing_index(3)[one, other]]
    else:
        turns = [
            torch.polar(torch.ones(2, 4).double(), x * attention.rope_freqs[0] + y * attention.rope_freqs[1])
            for y in range(3)
            for x in range(3)
        ]
        turned = torch.stack(turns, 1)
        q, k = (
            torch.view_as_real(torch.view_as_complex(part.unflatten(-1, (4, 2)).contiguous()) * turned).flatten(-2)
            for part in (q, k)
        )
    weights = (q @ k.mT / 8**0.5 + logits).softmax(-1)
    expected = attention.proj((weights @ v).transpose(1, 2).flatten(2))
    torch.testing.assert_close(attention(queries, context), expected)


def test_the_crossing_index_ranks_offsets_in_the_published_order_and_has_its_collisions() -> None:
    index = crossing_index(12)
    ranks = [index[144 // 2 + offset, 144 // 2].item() for offset in (0, 1, 2, 5)]  # along a row: seed minus pixel
    assert ranks == [0, 3, 5, 11]
    assert len(index.unique()) == 507
    assert len(swin_index(12).unique()) == 529
    assert index[0, 143].item() == 22 * 22 + 22  # -11 along both axes: the last
    assert crossing_index(2).unique().tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_an_index_beyond_the_table_is_an_error_of_the_file() -> None:
    attention = BiasedSeedAttention(channels=8, heads=2, window=2, crossing=False)
    for wrong in (9, -1):
        state = attention.state_dict()
        state["relative_position_index"] = state["relative_position_index"].clone()
        state["relative_position_index"][1, 2] = wrong
        with pytest.raises(RuntimeError, match="relative_position_index must name rows 0 to 8"):
            attention.load_state_dict(state)
