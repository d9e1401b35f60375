import torch

from splatsr.disk.digest import digest


def test_everything_counts_but_the_order_of_the_tensors() -> None:
    one, other = torch.arange(6.0).reshape(2, 3), torch.zeros(0)
    known = digest({"a": 1}, {"one": one, "other": other})
    assert known == digest({"a": 1}, {"other": other, "one": one.T.contiguous().T})
    changes = [
        digest({"a": 2}, {"one": one, "other": other}), digest({"a": 1}, {"one": one.reshape(3, 2), "other": other}),
        digest({"a": 1}, {"one": one.view(torch.int32), "other": other}), digest({"a": 1}, {"two": one, "other": other}),
        digest({"a": 1}, {"one": one + 1, "other": other}),
    ]  # fmt: skip
    assert known not in changes
