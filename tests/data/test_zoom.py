import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from splatsr.data.batch_sampler import BatchRequest, BatchSampler, CropRequest
from splatsr.data.rank_share import BatchShare
from splatsr.data.zoom import ZoomDataset, ZoomPair, ZoomPairs, ZoomSampler
from splatsr.errors import InputError
from splatsr.image_files.folder import Part
from splatsr.resize.levels import to_tensor
from zoomed_scenes import SIZES, view

FOLDERS = [Part(Path(scene), tuple(f"{index}.png" for index in range(len(sizes)))) for scene, sizes in SIZES.items()]
FLAT = [(int(scene), size) for scene, sizes in SIZES.items() for size in sizes]
IMAGES = [view(size, scene) for scene, size in FLAT]


def pairs(scale_range: tuple[float, float] = (1.0, 16.0)) -> ZoomPairs:
    return ZoomPairs(FOLDERS, [size for _, size in FLAT], scale_range=scale_range)


def sampler(scale_per: str = "crop", batches: int = 6, seed: int = 0) -> ZoomSampler:
    scenes = BatchSampler(
        photographs=2, batches=batches, batch_size=4, scale_range=(1.0, 16.0), scale_distribution="uniform",
        scale_per=scale_per, seed=seed,
    )  # fmt: skip
    return ZoomSampler(scenes, pairs(), scale_per=scale_per)


def test_the_wider_of_two_is_hr_and_their_scale_is_the_ratio_of_widths() -> None:
    assert pairs().pairs == [ZoomPair(0, 1, 64 / 40), ZoomPair(0, 2, 3.0), ZoomPair(1, 2, 120 / 64), ZoomPair(3, 4, 111 / 47)]
    turned = ZoomPairs(FOLDERS[1:], [(78, 111), (33, 47)], scale_range=(1.0, 16.0))
    assert turned.pairs == [ZoomPair(1, 0, 111 / 47)]


def test_pairs_outside_the_range_are_left_out_and_no_scene_may_be_without_one() -> None:
    assert [pair.scale for pair in pairs((1.7, 2.5)).pairs] == [120 / 64, 111 / 47]
    with pytest.raises(InputError, match=r"^2 has no two images whose widths are in a ratio of 2.5 to 3 .*data.scale_range"):
        pairs((2.5, 3.0))
    with pytest.raises(InputError, match="one view at several focal lengths"):
        ZoomPairs([Part(Path("alone"), ("a.png",))], [(30, 40)], scale_range=(1.0, 16.0))


def test_photographs_of_other_shapes_are_no_pair() -> None:
    with pytest.raises(InputError, match=r"0.png is 47x33 pixels and .*1.png 111x30: not one view"):
        ZoomPairs(FOLDERS[1:], [(33, 47), (30, 111)], scale_range=(1.0, 16.0))


@pytest.mark.parametrize("turned", list(itertools.product((False, True), repeat=3)))
def test_both_crops_show_the_same_place(turned: tuple[bool, bool, bool]) -> None:
    """Every pixel tells where it is; at x3 nothing is rounded, and an LR pixel is the mean of nine HR pixels."""
    batch = ZoomDataset(IMAGES, pairs(), patch=16)[BatchRequest((3.0,), (CropRequest(1, 0.4, 0.7, *turned),))]
    lr, hr = batch["lr"][0], batch["hr"][0]
    assert (lr.shape, hr.shape, batch["scale"]) == ((3, 16, 16), (3, 48, 48), 3.0)
    means = hr.unflatten(1, (16, 3)).unflatten(3, (16, 3)).mean((2, 4))
    assert (means - lr).abs().max() < 2 / 255
    vertical, horizontal = ((lr[channel, 0, 0] - lr[channel, -1, -1]).abs() for channel in (0, 1))
    assert vertical > horizontal > 0.3, "the crop covers more of the view's height than of its width"


def test_crops_are_those_of_the_published_code() -> None:
    """Pillow's crops, from whole LR pixels and Python's rounding on, black beyond the edge."""
    images = [*IMAGES[:4], IMAGES[4][:74]]  # alignment cuts HR images by some rows
    data, crop = ZoomDataset(images, pairs(), patch=20), CropRequest(3, 0.999, 0.999, False, False, False)
    batch = data[BatchRequest((111 / 47,), (crop,))]
    top, left, side, scale = 13, 27, round(20 * 111 / 47), 111 / 47
    assert torch.equal(batch["lr"][0], to_tensor(images[3][top:, left:]))
    box = (round(left * scale), round(top * scale), round(left * scale) + side, round(top * scale) + side)
    assert box[3] == 78, "over the edge"
    expected = np.asarray(Image.fromarray(images[4]).crop(box))
    assert torch.equal(batch["hr"][0], to_tensor(expected))
    assert (expected[-1] == 0).all()


def test_requests_are_a_function_of_seed_and_epoch() -> None:
    first, again = sampler(), sampler()
    again.set_epoch(3)
    other = list(again)
    again.set_epoch(0)
    assert list(first) == list(again) != other
    assert list(first) != list(sampler(seed=1))
    assert len(first) == len(other) == 6


def test_scenes_come_alike_and_so_do_the_pairs_of_a_scene() -> None:
    known = pairs().pairs
    crops = [(crop, scale) for batch in sampler(batches=300) for crop, scale in zip(batch.crops, batch.scales, strict=True)]
    assert all(known[crop.photograph].scale == scale for crop, scale in crops)
    seen = Counter(crop.photograph for crop, _ in crops)
    assert seen[3] == 600
    assert all(170 < seen[index] < 230 for index in (0, 1, 2))


def test_a_batch_may_be_of_one_pair() -> None:
    batches = list(sampler("batch"))
    assert all(len({crop.photograph for crop in batch.crops}) == len(set(batch.scales)) == 1 for batch in batches)
    assert len({batch.crops[0].photograph for batch in batches}) > 1
    data = ZoomDataset(IMAGES, pairs(), patch=16)
    assert data[batches[0]]["hr"].shape == (4, 3, *[round(16 * batches[0].scales[0])] * 2)


def test_the_shares_of_all_ranks_make_the_batch() -> None:
    data = ZoomDataset(IMAGES, pairs(), patch=16)
    shares = [list(BatchShare(sampler(), rank=rank, ranks=2, parts=1)) for rank in (0, 1)]
    for whole, *parts in zip(sampler(), *shares, strict=True):
        assert tuple(crop for part in parts for crop in part.crops) == whole.crops
        made = data[whole]
        assert torch.equal(torch.cat([data[part]["lr"] for part in parts]), made["lr"])
        assert made["seeds"] == [crop.seed for crop in whole.crops]
        assert len(set(made["seeds"])) == 4
