import dataclasses

import numpy as np
import pytest
import torch

from splatsr.data.batch_sampler import BatchRequest, BatchSampler, CropRequest
from splatsr.data.crops import CropDataset, check_crops, crop_sides, cut, largest_side
from splatsr.data.degradation.chain import Degradation
from splatsr.data.degradation.downscale import Downscale
from splatsr.data.degradation.noise import GaussianNoise
from splatsr.errors import InputError
from splatsr.resize.levels import to_tensor
from splatsr.resize.pil import resize_bicubic

PHOTOGRAPHS = [np.random.default_rng(index).integers(0, 256, (40 + index, 50, 3)).astype(np.uint8) for index in range(5)]


def dataset(*, patch: int, patch_of: str = "hr", degraded: list | None = None, **steps: object) -> CropDataset:
    degradation = Degradation({"pil": Downscale(rule="pil"), **steps})
    return CropDataset(PHOTOGRAPHS, degraded=degraded, degradation=degradation, patch=patch, patch_of=patch_of)


def sampler(**changes: object) -> BatchSampler:
    settings = {"photographs": 5, "batches": 6, "batch_size": 4, "scale_range": (2.0, 6.0), "scale_per": "batch", "seed": 0}
    return BatchSampler(**{"scale_distribution": "uniform", **settings, **changes})


@pytest.mark.parametrize(
    ("scale", "sides"), [(4.0, (24, 96)), (2.0, (48, 96)), (3.3, (29, 96)), (5.7, (16, 91)), (6.0, (16, 96))]
)
def test_sides_follow_the_published_rule(scale: float, sides: tuple[int, int]) -> None:
    assert crop_sides(96, scale, "hr") == sides


def test_lr_is_the_pil_reduction_of_the_very_crop() -> None:
    crop = CropRequest(1, 0.5, 0.25, False, False, False)
    item = dataset(patch=30)[BatchRequest((2.5,), (crop,))]
    assert item["lr"].shape == (1, 3, 12, 12)
    top, left = int(0.5 * (41 - 30 + 1)), int(0.25 * (50 - 30 + 1))
    expected = PHOTOGRAPHS[1][top : top + 30, left : left + 30]
    assert torch.equal(item["hr"][0], to_tensor(expected))
    assert torch.equal(item["lr"][0], to_tensor(resize_bicubic(np.ascontiguousarray(expected), (12, 12))))


def test_orientations_are_the_eight_of_a_square() -> None:
    data = dataset(patch=30)
    plain = data[BatchRequest((2.0,), (CropRequest(0, 0.0, 0.0, False, False, False),))]["hr"][0]
    turned = [
        data[BatchRequest((2.0,), (CropRequest(0, 0.0, 0.0, vertical, horizontal, transpose),))]["hr"][0]
        for vertical in (False, True) for horizontal in (False, True) for transpose in (False, True)
    ]  # fmt: skip
    assert torch.equal(turned[1], plain.transpose(1, 2))
    assert torch.equal(turned[2], plain.flip(2))
    assert torch.equal(turned[4], plain.flip(1))
    assert len({tuple(image.flatten().tolist()) for image in turned}) == 8


def test_a_photograph_is_read_once_for_crops_that_follow_each_other() -> None:
    read = []

    class Told(list):
        def __getitem__(self, index: int) -> np.ndarray:
            read.append(index)
            return PHOTOGRAPHS[index]

    (batch,) = list(sampler(batches=1, batch_size=6, crops_per_photograph=3))
    told = CropDataset(
        Told(PHOTOGRAPHS), degraded=None, degradation=Degradation({"pil": Downscale(rule="pil")}), patch=24, patch_of="hr"
    )
    assert torch.equal(told[batch]["hr"], dataset(patch=24)[batch]["hr"])
    assert read == [crop.photograph for crop in batch.crops[::3]]


def test_crops_reach_every_border() -> None:
    data = dataset(patch=40)
    last = data[BatchRequest((2.0,), (CropRequest(0, 0.999, 0.999, False, False, False),))]["hr"][0]
    assert torch.equal(last, to_tensor(PHOTOGRAPHS[0][-40:, -40:]))


def test_degradations_belong_to_the_crop_and_leave_the_crops_alone() -> None:
    plain, noisy = dataset(patch=30), dataset(patch=30, noise=GaussianNoise(sigma=[10, 10]))
    batch = next(iter(sampler()))
    one, again, without = noisy[batch], noisy[batch], plain[batch]
    assert torch.equal(one["lr"], again["lr"])
    assert torch.equal(one["hr"], without["hr"])
    assert 0.02 < (one["lr"] - without["lr"]).std() < 0.05
    other = dataclasses.replace(batch, crops=tuple(dataclasses.replace(crop, seed=crop.seed + 1) for crop in batch.crops))
    assert not torch.equal(noisy[other]["lr"], one["lr"])
    seeds = [crop.seed for batch in sampler() for crop in batch.crops]
    assert len(set(seeds)) == len(seeds)


def test_degraded_photographs_give_the_lr_crop_of_the_same_position() -> None:
    degraded = [255 - photograph for photograph in PHOTOGRAPHS]
    crop = CropRequest(1, 0.5, 0.25, True, False, True)
    for scale in (1.0, 2.5):
        item = dataset(patch=30, degraded=degraded)[BatchRequest((scale,), (crop,))]
        clean = dataset(patch=30)[BatchRequest((scale,), (crop,))]
        assert torch.equal(item["hr"], clean["hr"])
        assert (item["lr"] - (1 - clean["lr"])).abs().max() < 1.01 / 255  # rounding is not symmetric
    same_size = dataset(patch=30, degraded=degraded)[BatchRequest((1.0,), (crop,))]
    torch.testing.assert_close(same_size["lr"], 1 - same_size["hr"])


@pytest.mark.parametrize("scale_range", [[0.5, 2], [3, 2], [2], [2, 3, 4]])
def test_impossible_ranges_are_refused(scale_range: list[float]) -> None:
    with pytest.raises(InputError, match="scale_range"):
        check_crops(96, "hr", scale_range, "batch", whole=False)


def test_crops_too_small_for_the_scale_are_refused() -> None:
    assert check_crops(24, "hr", [2, 6], "batch", whole=False) == (2.0, 6.0)
    with pytest.raises(InputError, match="fewer than 4 LR pixels"):
        check_crops(23, "hr", [2, 6], "batch", whole=False)
    assert check_crops(4, "lr", [1, 4], "crop", whole=False) == (1.0, 4.0)
    with pytest.raises(InputError, match="data.patch=3 LR pixels are too few"):
        check_crops(3, "lr", [1, 4], "crop", whole=False)


@pytest.mark.parametrize(
    ("patch_of", "scale_per", "message"),
    [
        ("gt", "batch", "patch_of must be hr or lr"),
        ("lr", "item", "scale_per must be"),
        ("hr", "crop", "needs data.patch_of=lr"),
    ],
)
def test_impossible_rules_are_refused(patch_of: str, scale_per: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_crops(48, patch_of, [1, 4], scale_per, whole=False)


@pytest.mark.parametrize(("scale", "side"), [(1.0, 48), (2.0, 96), (3.3, 158), (3.96875, 190), (4.0, 192)])
def test_liifs_rule_fixes_the_lr_side(scale: float, side: int) -> None:
    assert crop_sides(48, scale, "lr") == (48, side)  # 48 * 3.96875 = 190.5: ties go to even
    assert largest_side(48, (1.0, 4.0), "lr") == 192
    assert largest_side(96, (2.0, 6.0), "hr") == 96


def test_every_crop_may_have_a_scale_of_its_own() -> None:
    batch = next(iter(sampler(scale_range=(1.0, 4.0), scale_per="crop")))
    assert len(set(batch.scales)) == 4
    item = dataset(patch=8, patch_of="lr")[batch]
    assert item["lr"].shape == (4, 3, 8, 8)
    assert [image.shape[-1] for image in item["hr"]] == [round(8 * scale) for scale in batch.scales]
    assert item["scale"] == list(batch.scales)


def test_whole_scales_need_a_whole_number_in_the_range() -> None:
    assert check_crops(48, "lr", [2, 2.5], "crop", whole=True) == (2.0, 2.5)
    with pytest.raises(InputError, match="needs a whole number in data.scale_range; got .2.1, 2.9."):
        check_crops(48, "lr", [2.1, 2.9], "crop", whole=True)


def test_of_several_positions_the_one_with_most_detail_is_cut() -> None:
    photograph = np.full((60, 60, 3), 128, np.uint8)
    photograph[40:, 40:] = np.random.default_rng(0).integers(0, 256, (20, 20, 3))
    flat, detailed = (0.0, 0.0), (0.99, 0.99)
    for first, other in ((flat, detailed), (detailed, flat)):
        square = cut(photograph, CropRequest(0, *first, False, False, False, others=(other,)), 20)
        assert np.array_equal(square, photograph[40:, 40:])


def test_color_channels_change_places() -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (20, 20, 3)).astype(np.uint8)
    square = cut(photograph, CropRequest(0, 0.0, 0.0, False, False, False, channels=(2, 0, 1)), 20)
    assert np.array_equal(square, photograph[..., [2, 0, 1]])
