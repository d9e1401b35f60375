from collections import Counter
from dataclasses import replace

import numpy as np

from splatsr.data.batch_sampler import BatchSampler


def sampler(**changes: object) -> BatchSampler:
    settings = {"photographs": 5, "batches": 6, "batch_size": 4, "scale_range": (2.0, 6.0), "scale_per": "batch", "seed": 0}
    return BatchSampler(**{"scale_distribution": "uniform", **settings, **changes})


def test_requests_are_a_function_of_seed_and_epoch() -> None:
    first, again = sampler(), sampler()
    again.set_epoch(3)
    list(again)
    again.set_epoch(0)
    assert list(first) == list(again)
    again.set_epoch(1)
    assert list(first) != list(again)
    assert list(first) != list(sampler(seed=1))


def test_every_batch_has_one_scale_of_the_range_and_they_differ() -> None:
    batches = list(sampler(batches=300))
    assert all(len(set(batch.scales)) == 1 and len(batch.scales) == 4 for batch in batches)
    scales = [batch.scales[0] for batch in batches]
    assert len(batches) == 300
    assert all(len(batch.crops) == 4 for batch in batches)
    assert 2 <= min(scales) < 2.2
    assert 5.8 < max(scales) <= 6
    assert len(set(scales)) == 300


def test_photographs_come_in_rounds() -> None:
    seen = [crop.photograph for batch in sampler(batches=5) for crop in batch.crops]
    assert sorted(seen) == sorted(list(range(5)) * 4)
    assert sorted(seen[:5]) == [0, 1, 2, 3, 4]


def test_several_crops_of_a_photograph_follow_each_other() -> None:
    crops = [crop for batch in sampler(batches=5, batch_size=6, crops_per_photograph=3) for crop in batch.crops]
    seen = [crop.photograph for crop in crops]
    assert seen[::3] == seen[1::3] == seen[2::3]
    assert sorted(seen[::3]) == sorted(list(range(5)) * 2)
    assert len({(crop.top, crop.left) for crop in crops}) == 30


def test_the_stream_of_crops_is_not_moved_by_the_seeds_of_degradations() -> None:
    """The first batch of seed 0 as it was before there were degradations."""
    first = next(iter(sampler()))
    assert first.scales[0] == 2.702622482410236
    assert [crop.photograph for crop in first.crops] == [2, 4, 3, 0]
    assert [crop.left for crop in first.crops] == [
        0.5414612202490917,
        0.12428327649956394,
        0.6153851114812539,
        0.6855419844806947,
    ]
    assert [crop.transpose for crop in first.crops] == [False, True, False, True]


def test_one_scale_per_batch_draws_as_it_always_did() -> None:
    batch = next(iter(sampler()))
    random = np.random.default_rng([0, 0])
    for _ in range(5):
        random.permutation(5)
    assert batch.scales[0] == random.uniform(2.0, 6.0)
    assert batch.crops[0].top == random.random()


def test_scales_may_be_the_whole_numbers_of_the_range() -> None:
    batches = list(sampler(scale_range=(1.5, 4.0), scale_distribution="whole", scale_per="crop", batches=100))
    counts = Counter(scale for batch in batches for scale in batch.scales)
    assert set(counts) == {2.0, 3.0, 4.0}
    assert min(counts.values()) > 100


def test_log_uniform_scales_have_as_many_below_the_middle_octave_as_above() -> None:
    scales = [
        scale
        for batch in sampler(scale_range=(1.5, 6.0), scale_distribution="log_uniform", batches=400)
        for scale in batch.scales[:1]
    ]
    assert 1.5 <= min(scales) < 1.6
    assert 5.6 < max(scales) <= 6
    assert 0.4 < sum(scale < 3 for scale in scales) / len(scales) < 0.6


def test_options_change_nothing_else_of_a_crop() -> None:
    plain, rich = (list(sampler(batches=3, **options)) for options in ({}, {"candidates": 4, "permute_colors": True}))
    for batch, other in zip(plain, rich, strict=True):
        assert batch.scales == other.scales
        for crop, chosen in zip(batch.crops, other.crops, strict=True):
            assert len(chosen.others) == 3
            assert sorted(chosen.channels) == [0, 1, 2]
            assert replace(chosen, others=(), channels=(0, 1, 2)) == crop
    assert len({crop.channels for batch in rich for crop in batch.crops}) > 1
