"""What each process of a training over several devices gets: batches cut evenly, test images dealt out.

Where a batch has one scale, all processes render the same size at the same time. Every crop is seen once, and the mean of
the processes' gradients is the gradient of the whole batch. So it is with a device that takes its share in several parts, one
after another, for want of memory. The configuration's batch size is always the total.
"""

from collections.abc import Iterator
from dataclasses import replace

from torch.utils.data import Dataset, Sampler

from splatsr.data.batch_sampler import BatchRequest, BatchSampler
from splatsr.data.evaluation_pairs import EvaluationPairs, Pair
from splatsr.data.zoom import ZoomSampler
from splatsr.errors import InputError


def check_share(batch_size: int, ranks: int, parts: int) -> None:
    """InputError unless a batch can be cut evenly: for `ranks` processes, each of which takes its share in `parts` parts."""
    pieces = ranks * parts
    if batch_size % pieces:
        near = max(pieces, round(batch_size / pieces) * pieces)
        devices = f"{ranks} devices cannot share it evenly"
        accumulated = f"cannot be taken in {parts} equal parts (trainer.accumulate_grad_batches)"
        why = devices if parts == 1 else accumulated if ranks == 1 else f"by {ranks} devices it {accumulated}"
        other = "trainer.devices" if parts == 1 else "trainer.accumulate_grad_batches"
        raise InputError(
            f"data.batch_size={batch_size} is the total over all devices, and {why}; use a multiple of {pieces}, such as "
            f"{near}, or other {other}."
        )


class BatchShare(Sampler[BatchRequest]):
    """The contiguous share of every batch that belongs to process `rank` of `ranks`, in `parts` parts, one after another."""

    def __init__(self, whole: BatchSampler | ZoomSampler, *, rank: int, ranks: int, parts: int) -> None:
        check_share(whole.batch_size, ranks, parts)
        self.whole, self.rank, self.parts = whole, rank, parts
        self.crops = whole.batch_size // (ranks * parts)

    def set_epoch(self, epoch: int) -> None:
        """The epoch whose requests the next iteration yields; called by Lightning before every epoch."""
        self.whole.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.whole) * self.parts

    def __iter__(self) -> Iterator[BatchRequest]:
        for batch in self.whole:
            for part in range(self.rank * self.parts, (self.rank + 1) * self.parts):
                own = slice(part * self.crops, (part + 1) * self.crops)
                yield replace(batch, scales=batch.scales[own], crops=batch.crops[own])


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
