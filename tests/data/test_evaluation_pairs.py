from pathlib import Path

import numpy as np
import pytest
import torch

from splatsr.data.evaluation_pairs import EvaluationImage, EvaluationPairs, GivenPair, LowResolution, without_lr
from splatsr.errors import InputError
from splatsr.image_files.folder import find_images
from splatsr.image_files.writing import write_image
from splatsr.resize.rules import RULES

L_PIL = LowResolution("pil", given=False, crop="liif")
IMAGE = np.random.default_rng(0).integers(0, 256, (51, 71, 3)).astype(np.uint8)


@pytest.mark.parametrize(("scale", "lr", "hr"), [(4, (12, 17), (48, 68)), (3.3, (15, 21), (50, 69)), (2, (25, 35), (50, 70))])
@pytest.mark.parametrize("rule", sorted(RULES))
def test_liif_sizes(rule: str, scale: float, lr: tuple[int, int], hr: tuple[int, int]) -> None:
    low, high = LowResolution(rule, given=False, crop="liif").make(IMAGE, scale)
    assert low.shape[:2] == lr
    assert high.shape[:2] == hr
    assert np.array_equal(high, IMAGE[: hr[0], : hr[1]]), "HR is cut at the bottom and right, not resized"


@pytest.mark.parametrize(
    ("crop", "rule", "lr", "hr"),
    [
        ("mod12", "pil", (14, 18), (46, 59)),  # 48 x 60 by x3.3
        ("diinn", "torchvision", (15, 22), (51, 71)),
        ("gsasr", "matlab", (15, 21), (49, 69)),
    ],
)
def test_other_sizes_at_a_fractional_scale(crop: str, rule: str, lr: tuple[int, int], hr: tuple[int, int]) -> None:
    low, high = LowResolution(rule, given=False, crop=crop).make(IMAGE, 3.3)
    assert low.shape[:2] == lr
    assert high.shape[:2] == hr
    assert np.array_equal(high, IMAGE[: hr[0], : hr[1]])


def test_gsasr_resizes_the_whole_image_by_exactly_the_scale() -> None:
    """A ramp keeps its slope: LR pixel k is HR position 3.3 (k + 0.5) - 0.5, where stretching to fit would give another."""
    ramp = np.repeat(np.repeat(np.arange(0, 142, 2, dtype=np.uint8)[None], 51, 0)[..., None], 3, 2)
    low, _ = LowResolution("matlab", given=False, crop="gsasr").make(ramp, 3.3)
    expected = 2 * (3.3 * (np.arange(21) + 0.5) - 0.5)
    assert np.abs(low[7, 2:-2, 0] - expected[2:-2]).max() < 0.51


def test_impossible_rules_are_refused() -> None:
    with pytest.raises(InputError, match="LR images can be made by pil, torchvision, matlab"):
        LowResolution("lanczos", given=False, crop="liif")
    with pytest.raises(InputError, match="gsasr sizes come with the matlab rule only"):
        LowResolution("pil", given=False, crop="gsasr")


def test_every_image_comes_at_every_scale(photographs: Path) -> None:
    images = without_lr(find_images(photographs))
    data = EvaluationPairs({"one": images, "two": images[:1]}, [2, 3], L_PIL)
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
        EvaluationPairs({"set": without_lr(find_images(photographs))}, [61], L_PIL)[0]


@pytest.fixture
def given(tmp_path: Path) -> EvaluationImage:
    """An image of 51 x 71 pixels with LR files at x2 and x3."""
    write_image(tmp_path / "hr.png", IMAGE)
    for scale in (2, 3):
        write_image(tmp_path / f"x{scale}.png", np.full((51 // scale, 71 // scale, 3), scale, np.uint8))
    pairs = {scale: GivenPair(tmp_path / f"x{scale}.png", tmp_path / "hr.png") for scale in (2, 3)}
    return EvaluationImage(tmp_path / "hr.png", "hr.png", pairs, degraded=None, zoomed=False)


def test_given_files_count_only_where_the_protocol_says(given: EvaluationImage) -> None:
    protocol = LowResolution("pil", given=True, crop="liif")
    low, high = given.pair(3, protocol)
    assert (low == 3).all()
    assert np.array_equal(high, IMAGE[:51, :69])
    assert np.array_equal(given.pair(3, L_PIL)[0], L_PIL.make(IMAGE, 3)[0])
    assert np.array_equal(given.pair(3.5, protocol)[0], L_PIL.make(IMAGE, 3.5)[0]), "beyond the given ones the rule"
    with pytest.raises(InputError, match=r"given LR files for x2, x3, not for x4; use a protocol that makes"):
        given.pair(4, protocol)
    low, high = given.pair(2, LowResolution("pil", given=True, crop="mod12"))
    assert (low.shape[:2], high.shape[:2]) == ((24, 30), (48, 60))


def test_given_files_of_the_wrong_size_are_named(given: EvaluationImage, tmp_path: Path) -> None:
    write_image(tmp_path / "x3.png", IMAGE[:20, :20])
    with pytest.raises(InputError, match=r"x3\.png is 20x20 pixels, which is not 1/3 of .*hr\.png \(71x51\)"):
        given.pair(3, LowResolution("pil", given=True, crop="liif"))


@pytest.mark.parametrize("rule", ["pil", "matlab"])
@pytest.mark.parametrize("crop", ["liif", "mod12", "diinn"])
def test_lr_images_of_rain_are_made_of_the_rainy_image_and_hr_is_the_clean_one(rule: str, crop: str, tmp_path: Path) -> None:
    write_image(tmp_path / "clean.png", IMAGE)
    write_image(tmp_path / "rainy.png", 255 - IMAGE)
    image = EvaluationImage(tmp_path / "clean.png", "clean.png", {}, degraded=tmp_path / "rainy.png", zoomed=False)
    for given in (False, True):  # there are no given files, whatever a protocol expects
        protocol = LowResolution(rule, given=given, crop=crop)
        for scale in (4, 4.5):
            low, high = image.pair(scale, protocol)
            assert np.array_equal(low, protocol.make(255 - IMAGE, scale)[0])
            assert np.array_equal(high, protocol.make(IMAGE, scale)[1])
            assert image.hr_size(scale, protocol) == high.shape[:2]
        low, high = image.pair(1, protocol)
        assert np.array_equal(low, 255 - IMAGE)
        assert np.array_equal(high, IMAGE)
    write_image(tmp_path / "rainy.png", IMAGE[:-1])
    with pytest.raises(InputError, match=r"rainy\.png has another size than .*clean\.png"):
        image.pair(4, L_PIL)


def test_real_zoom_has_the_scales_that_somebody_took(tmp_path: Path) -> None:
    write_image(tmp_path / "hr.png", IMAGE)
    write_image(tmp_path / "lr.png", IMAGE[: IMAGE.shape[0] // 2, : IMAGE.shape[1] // 2 + 1])
    pair = GivenPair(tmp_path / "lr.png", tmp_path / "hr.png")
    images = [
        EvaluationImage(tmp_path / "hr.png", name, dict.fromkeys(scales, pair), degraded=None, zoomed=True)
        for name, scales in (("one", (2, 3)), ("two", (2,)))
    ]
    pairs = EvaluationPairs({"zoomed": images}, [2, 3], L_PIL)
    assert [(pair.name, pair.scale) for pair in pairs] == [("one", 2), ("one", 3), ("two", 2)]
    assert pairs[1].lr.shape == (3, IMAGE.shape[0] // 2, IMAGE.shape[1] // 2 + 1), "nothing is cut to fit the nominal scale"
    assert pairs[1].hr.shape == (3, *IMAGE.shape[:2])
    for rule in (L_PIL, LowResolution("pil", given=True, crop="mod12")):
        with pytest.raises(InputError, match="for x2, x3, not for x4; other scales are not possible"):
            EvaluationPairs({"zoomed": images}, [2, 4], rule)
    write_image(tmp_path / "lr.png", IMAGE[:40, :9])
    with pytest.raises(InputError, match=r"lr.png is 9x40 pixels and .*hr.png .*not one view"):
        images[0].pair(2, L_PIL)
