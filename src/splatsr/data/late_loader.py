"""A loader whose workers begin with the first batch that is asked for."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader


class LateLoader(DataLoader[Any]):
    """A DataLoader that draws from its sampler when its first batch is asked for, not when its iterator is made.

    Lightning makes the first iterator before it has read from a checkpoint which epoch is to come. Workers are given their
    first requests at once by a plain DataLoader, so that the first epoch of a resumed training would be that of a new one.
    """

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        yield from super().__iter__()
