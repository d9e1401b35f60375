import pytest
import torch

from splatsr.models import ddcw
from splatsr.models.ddcw import DDCW, WeightedRows
from splatsr.models.dictionary import published_dictionary


def plain(queries: torch.Tensor, keys: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    return torch.softmax(queries @ keys.T, -1) @ rows


def test_gradients_are_those_of_plain_attention() -> None:
    queries = torch.randn(2, 7, 4, dtype=torch.float64, requires_grad=True)
    keys = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    rows = torch.randn(5, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda q, k: WeightedRows.apply(q, k, rows), (queries, keys))


def test_chunks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    queries, keys, rows = torch.randn(2, 50, 8, requires_grad=True), torch.randn(30, 8, requires_grad=True), torch.rand(30, 3)
    upstream = torch.randn(2, 50, 3)
    expected = plain(queries, keys, rows)
    expected_grads = torch.autograd.grad(expected, (queries, keys), upstream)
    monkeypatch.setattr(ddcw, "CHUNK", 7)
    result = WeightedRows.apply(queries, keys, rows)
    torch.testing.assert_close(result, expected)
    torch.testing.assert_close(torch.autograd.grad(result, (queries, keys), upstream), expected_grads)


def test_bfloat16_autocast_weighs_in_float32() -> None:
    head = DDCW(channels=6, dictionary=published_dictionary(), embedding=16, embedding_hidden=[8])
    features = torch.randn(1, 6, 5, 4)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = head(features)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, head(features), atol=0.02, rtol=0)
    mixed.sum().backward()


def test_rows_are_convex_combinations_of_the_dictionary() -> None:
    head = DDCW(channels=6, dictionary=published_dictionary(), embedding=16, embedding_hidden=[8])
    torch.nn.init.normal_(head.query.weight, std=5)
    rows = head(torch.randn(2, 6, 5, 4))
    assert rows.shape == (2, 20, 3)
    assert (rows >= head.dictionary.min(0).values - 1e-6).all()
    assert (rows <= head.dictionary.max(0).values + 1e-6).all()


def test_the_dictionary_is_not_part_of_the_state_dict() -> None:
    head = DDCW(channels=6, dictionary=published_dictionary(), embedding=16, embedding_hidden=[8])
    assert set(head.state_dict()) == {
        f"{layer}.{kind}" for layer in ("query", "embedding.0", "embedding.2") for kind in ("weight", "bias")
    }
