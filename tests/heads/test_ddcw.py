import pytest
import torch

from splatsr.heads import ddcw
from splatsr.heads.ddcw import DDCW, WeightedRows
from splatsr.heads.dictionary import published_dictionary


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
    monkeypatch.setitem(ddcw.CHUNK, "cpu", 7)
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


def test_backward_under_autocast_is_in_float32_too() -> None:
    """Compiled backward passes are traced there."""
    queries, keys, rows = torch.randn(2, 5, 8, requires_grad=True), torch.randn(30, 8, requires_grad=True), torch.rand(30, 3)
    upstream = torch.randn(2, 5, 3)
    expected = torch.autograd.grad(plain(queries, keys, rows), (queries, keys), upstream)
    with torch.autocast("cpu", torch.bfloat16):
        gradients = torch.autograd.grad(WeightedRows.apply(queries, keys, rows), (queries, keys), upstream)
    torch.testing.assert_close(gradients, expected)


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


def test_keys_are_remembered_in_inference_and_never_stale() -> None:
    head = DDCW(channels=6, dictionary=published_dictionary(), embedding=16, embedding_hidden=[8]).eval()
    calls, features = [], torch.randn(1, 6, 5, 4)
    head.embedding.register_forward_hook(lambda *_: calls.append(1))

    def expected() -> torch.Tensor:
        queries = head.query(features).flatten(2).transpose(1, 2)
        return plain(queries, torch.nn.Sequential(*head.embedding)(head.dictionary), head.dictionary)

    def changed(index: int) -> None:
        """Weights change in every way that they do: a step, loading, replaced storage, a replaced parameter."""
        last = head.embedding[-1]
        if index == 0:
            torch.optim.SGD(head.embedding.parameters(), lr=0.5).step()
        elif index == 1:
            head.load_state_dict({name: tensor * 1.5 for name, tensor in head.state_dict().items()})
        elif index == 2:
            last.weight.data *= 2  # leaves the version counter alone
        elif index == 3:
            last.bias = torch.nn.Parameter(last.bias + torch.arange(16.0))
        else:
            head.dictionary = head.dictionary.flip(0) + 0.1

    with torch.no_grad():
        head(features)
    head(features).sum().backward()
    for index in range(5):
        changed(index)
        before = len(calls)
        with torch.inference_mode():
            first, second = head(features), head(features)
        with torch.no_grad():
            torch.testing.assert_close(first, expected())
            assert (head(features) == first).all()
        assert (second == first).all()
        assert len(calls) == before + 1, "computed once for the same weights"
    before = len(calls)
    head(features).sum().backward()
    assert len(calls) == before + 1, "gradients need them anew"


def test_remembered_keys_follow_the_dtype_and_stay_out_of_the_state_dict() -> None:
    head = DDCW(channels=6, dictionary=published_dictionary(), embedding=16, embedding_hidden=[8]).eval()
    names, features = set(head.state_dict()), torch.randn(1, 6, 5, 4)
    with torch.inference_mode():
        single = head(features)
    with torch.no_grad():  # after inference mode
        double = head.double()(features.double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single)
    assert set(head.state_dict()) == names
