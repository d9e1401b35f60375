from pathlib import Path

import pytest
import torch

from splatsr.data.batch_sampler import BatchSampler
from splatsr.data.evaluation_pairs import EvaluationPairs, LowResolution, without_lr
from splatsr.data.rank_share import BatchShare, PairShare, check_share
from splatsr.errors import InputError


def whole(batch_size: int = 6, scale_per: str = "batch") -> BatchSampler:
    return BatchSampler(
        photographs=5,
        batches=7,
        batch_size=batch_size,
        scale_range=(2.0, 6.0),
        scale_distribution="uniform",
        scale_per=scale_per,
        seed=3,
    )


@pytest.mark.parametrize("scale_per", ["batch", "crop"])
@pytest.mark.parametrize(("ranks", "taken_in"), [(1, 1), (2, 1), (3, 1), (6, 1), (1, 3), (2, 3), (3, 2)])
def test_the_shares_of_all_ranks_make_every_batch_of_the_epoch(ranks: int, taken_in: int, scale_per: str) -> None:
    shares = [BatchShare(whole(scale_per=scale_per), rank=rank, ranks=ranks, parts=taken_in) for rank in range(ranks)]
    alone = whole(scale_per=scale_per)
    for sampler in (alone, *shares):
        sampler.set_epoch(2)
    assert {len(share) for share in shares} == {7 * taken_in}
    in_turn = [list(share) for share in shares]
    for index, batch in enumerate(alone):
        parts = [part for share in in_turn for part in share[index * taken_in : (index + 1) * taken_in]]
        assert tuple(scale for part in parts for scale in part.scales) == batch.scales
        assert len(set(batch.scales)) == (1 if scale_per == "batch" else 6)
        assert {len(part.crops) for part in parts} == {6 // ranks // taken_in}
        assert tuple(crop for part in parts for crop in part.crops) == batch.crops


def test_the_mean_of_the_shares_gradients_is_the_gradient_of_the_batch() -> None:
    weight, crops = torch.ones((), dtype=torch.float64, requires_grad=True), torch.rand(6, 3, 8, 8, dtype=torch.float64)

    def gradient(part: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad((weight * part - part.sin()).square().mean(), weight)[0]

    torch.testing.assert_close(torch.stack([gradient(part) for part in crops.chunk(3)]).mean(), gradient(crops))


def test_a_batch_that_cannot_be_shared_evenly_is_refused() -> None:
    check_share(128, 8, 4)
    with pytest.raises(InputError, match=r"data.batch_size=6 is the total .* 4 devices .* a multiple of 4, such as 8"):
        check_share(6, 4, 1)
    with pytest.raises(InputError, match="such as 8"):
        BatchShare(whole(2), rank=0, ranks=8, parts=1)
    with pytest.raises(
        InputError, match=r"in 4 equal parts \(trainer.accumulate_grad_batches\); use a multiple of 4, such as 8"
    ):
        check_share(6, 1, 4)
    with pytest.raises(InputError, match=r"by 2 devices it cannot be taken in 2 equal parts"):
        check_share(6, 2, 2)


@pytest.mark.parametrize("ranks", [1, 2, 4, 8])
def test_every_test_pair_goes_to_one_rank(ranks: int, photographs: Path) -> None:
    rule = LowResolution("pil", given=False, crop="liif")
    pairs = EvaluationPairs({"photographs": without_lr(sorted(photographs.iterdir()))}, [2, 3], rule)
    shares = [PairShare(pairs, rank=rank, ranks=ranks) for rank in range(ranks)]
    assert all(len(share) >= 1 for share in shares), "Lightning would not end that rank's epoch with the others'"
    dealt = [share[index] for share in shares for index in range(len(share))]
    seen = [(pair.path, pair.scale) for pair in dealt if pair is not None]
    assert len(seen) == len(pairs)
    assert set(seen) == {(image.path, scale) for _, image, scale in pairs.items}
