from collections.abc import Iterator

import pytest

from splatsr.data.late_loader import LateLoader


class Epochs:
    """A sampler of three requests that say the epoch."""

    epoch = 0

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch = self.epoch
        yield from ((epoch, index) for index in range(3))

    def __len__(self) -> int:
        return 3


class Echo:
    def __getitem__(self, request: tuple[int, int]) -> tuple[int, int]:
        return request


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_that_is_set_after_the_iterator_was_made_counts(workers: int) -> None:
    sampler = Epochs()
    loader = LateLoader(Echo(), batch_size=None, sampler=sampler, num_workers=workers, persistent_workers=workers > 0)
    for epoch in (4, 5):
        iterator = iter(loader)
        sampler.epoch = epoch
        assert [tuple(request) for request in iterator] == [(epoch, 0), (epoch, 1), (epoch, 2)]
    assert len(loader) == 3
