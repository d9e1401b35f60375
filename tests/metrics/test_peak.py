import time

import torch

from splatsr.metrics.peak import Peak


def test_it_sees_what_a_block_holds() -> None:
    with Peak(torch.device("cpu")) as peak:
        block = torch.ones(20_000_000)
        time.sleep(0.02)
        del block
    assert 70 < peak.megabytes < 200


def test_a_given_base_counts_from_there() -> None:
    with Peak(torch.device("cpu")) as first:
        block = torch.ones(20_000_000)
    with Peak(torch.device("cpu"), base=first.base) as second:
        time.sleep(0.01)
    assert second.megabytes > 70, "what the first block has left is in use"
    del block
