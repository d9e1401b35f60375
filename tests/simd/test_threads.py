import threading
from collections.abc import Iterator

import pytest
import torch

from splatsr.simd.threads import even_ranges, in_parallel


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("total", [1, 7, 100, 1000])
@pytest.mark.parametrize("smallest", [1, 16])
def test_ranges_cover_everything_once_in_pieces_that_are_large_enough(total: int, smallest: int, threads: int) -> None:
    ranges = even_ranges(total, smallest=smallest)
    assert [item for first, end in ranges for item in range(first, end)] == list(range(total))
    assert len(ranges) == 1 or min(end - first for first, end in ranges) >= smallest
    assert len(ranges) <= 8 * threads


def test_every_item_is_worked_on_once_by_as_many_threads_as_torch_uses(threads: int) -> None:
    together, done, workers = threading.Barrier(threads, timeout=60), [], set()

    def work(item: int) -> None:
        if item < threads:
            together.wait()  # nobody passes unless all threads are at work
        done.append(item)
        workers.add(threading.get_ident())

    in_parallel(work, range(50))
    assert sorted(done) == list(range(50))
    assert len(workers) == threads


def test_an_error_reaches_the_caller_and_leaves_the_threads_usable(threads: int) -> None:
    def fail(item: int) -> None:
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item"):
        in_parallel(fail, range(4))
    done: list[int] = []
    in_parallel(done.append, range(4))
    assert sorted(done) == [0, 1, 2, 3]
