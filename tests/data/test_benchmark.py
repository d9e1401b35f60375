from pathlib import Path

import numpy as np
import pytest
import torch

from splatsr.data.benchmark import Benchmark, make_pair
from splatsr.data.images import find_images
from splatsr.errors import InputError


@pytest.mark.parametrize(("scale", "lr", "hr"), [(4, (12, 17), (48, 68)), (3.3, (15, 21), (50, 69)), (2, (25, 35), (50, 70))])
def test_sizes_follow_the_published_rule(scale: float, lr: tuple[int, int], hr: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (51, 71, 3)).astype(np.uint8)
    low, high = make_pair(image, scale)
    assert low.shape[:2] == lr
    assert high.shape[:2] == hr
    assert np.array_equal(high, image[: hr[0], : hr[1]]), "HR is cut at the bottom and right, not resized"


def test_every_image_comes_at_every_scale(photographs: Path) -> None:
    data = Benchmark({"one": find_images(photographs), "two": find_images(photographs)[:1]}, [2, 3])
    pairs = [data[index] for index in range(len(data))]
    assert [(pair.set_name, pair.path.name, pair.scale) for pair in pairs[:3]] == [
        ("one", "0.png", 2), ("one", "0.png", 3), ("one", "1.png", 2)
    ]  # fmt: skip
    assert len(pairs) == 8
    assert pairs[1].lr.shape == (3, 20, 23)
    assert pairs[1].hr.dtype == torch.float32
    assert 0 <= pairs[1].hr.min() < pairs[1].hr.max() <= 1


def test_an_image_smaller_than_the_scale_is_named(photographs: Path) -> None:
    with pytest.raises(InputError, match=r"0\.png is 70x60 pixels: too small"):
        Benchmark({"set": find_images(photographs)}, [61])[0]
