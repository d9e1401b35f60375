"""The counter that threads share."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from splatsr.simd.counter import take


@njit(nogil=True)
def take_many(counter, taken) -> None:
    for position in range(taken.shape[0]):
        taken[position] = take(counter)


def test_threads_share_a_counter_without_loss() -> None:
    counter = np.full(1, 7, np.int64)
    parts = [np.empty(200_000, np.int64) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda taken: take_many(counter, taken), parts))
    assert counter[0] == 7 + 800_000
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(7, 7 + 800_000))
