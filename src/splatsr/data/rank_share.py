"""What each process of a training over several devices gets: batches cut evenly, test images dealt out.

Where a batch has one scale, all processes render the same size at the same time. Every crop is seen once, and the mean of
the processes' gradients is the gradient of the whole batch. The configuration's batch size is always the total.
"""

from collections.abc import Iterator
from dataclasses import replace

from torch.utils.data import Dataset, Sampler

from splatsr.data.batch_sampler import BatchRequest, BatchSampler
from splatsr.data.evaluation_pairs import EvaluationPairs, Pair
from splatsr.errors import InputError


def check_share(batch_size: int, ranks: int) -> None:
    """InputError unless every one of `ranks` processes gets as many crops of a batch as the others."""
    if batch_size % ranks:
        near = max(ranks, round(batch_size / ranks) * ranks)
        raise InputError(
            f"data.batch_size={batch_size} is the total over all devices, and {ranks} devices cannot share it evenly; "
            f"use a multiple of {ranks}, such as {near}, or other trainer.devices."
        )


class BatchShare(Sampler[BatchRequest]):
    """The contiguous part of every batch that belongs to process `rank` of `ranks`; the parts of all make the batch."""

    def __init__(self, whole: BatchSampler, *, rank: int, ranks: int) -> None:
        check_share(whole.batch_size, ranks)
        self.whole, self.rank = whole, rank
        self.crops = whole.batch_size // ranks

    def set_epoch(self, epoch: int) -> None:
        """The epoch whose requests the next iteration yields; called by Lightning before every epoch."""
        self.whole.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.whole)

    def __iter__(self) -> Iterator[BatchRequest]:
        own = slice(self.rank * self.crops, (self.rank + 1) * self.crops)
        return (replace(batch, scales=batch.scales[own], crops=batch.crops[own]) for batch in self.whole)


class PairShare(Dataset[Pair | None]):
    """Every `ranks`-th test pair, beginning with index `rank`: each belongs to one process, and none is repeated.

    A process for which none is left gets a single None: Lightning's epochs end together only where everyone has a batch.
    """

    def __init__(self, whole: EvaluationPairs, *, rank: int, ranks: int) -> None:
        self.whole, self.indices = whole, range(rank, len(whole), ranks)

    def __len__(self) -> int:
        return max(1, len(self.indices))

    def __getitem__(self, index: int) -> Pair | None:
        return self.whole[self.indices[index]] if self.indices else None
