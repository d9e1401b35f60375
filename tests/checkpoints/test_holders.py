import pytest
import torch

from splatsr.checkpoints.holders import within_holders, without_parallel

STATE = {"conv.weight": torch.zeros(1)}


@pytest.mark.parametrize(
    "content",
    [STATE, {"params": STATE}, {"params_ema": STATE, "params": {}}, {"state_dict": {"params": STATE}, "optimizer": {}}],
)
def test_the_state_dict_is_found(content: dict) -> None:
    assert within_holders(content) is STATE


def test_a_prefix_goes_where_all_names_have_it() -> None:
    assert without_parallel({"module.a": 1, "module.b": 2}) == {"a": 1, "b": 2}
    mixed = {"module.a": 1, "b": 2}
    assert without_parallel(mixed) == mixed
    assert without_parallel({3: 1}) == {3: 1}
