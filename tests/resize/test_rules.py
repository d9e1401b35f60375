"""One name, one rule, for protocols and degradations."""

import numpy as np
import pytest

from composed import protocol_of
from splatsr.data.degradation.downscale import Downscale
from splatsr.data.evaluation_pairs import LR_RULES, LowResolution
from splatsr.resize.levels import eight_bit, unrounded
from splatsr.resize.matlab import resize_matlab, resize_matlab_float
from splatsr.resize.rules import RULES
from splatsr.runs.configuration import CONF

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)
SIZE = (8, 16)


def test_the_names() -> None:
    assert list(RULES) == ["pil", "torchvision", "matlab", "matlab_uint8", "matlab_float"]
    assert {protocol_of(path.stem).lr for path in (CONF / "protocol").glob("*.yaml")} <= set(LR_RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_training_and_a_test_by_the_same_name_see_the_same_lr_images(rule: str) -> None:
    trained = Downscale(rule=rule)(IMAGE, (8, 10), np.random.default_rng(0))
    low, high = LowResolution(rule, given=False, crop="liif").make(IMAGE, 3)
    assert np.array_equal(Downscale(rule=rule)(np.ascontiguousarray(high), (8, 10), np.random.default_rng(0)), low)
    assert trained.shape == low.shape


@pytest.mark.parametrize("rule", RULES)
def test_constants_stay_constant_and_images_of_values_are_taken_too(rule: str) -> None:
    assert (eight_bit(RULES[rule](np.full((9, 7, 3), 93, np.uint8), (4, 3))) == 93).all()
    resized = RULES[rule](IMAGE, SIZE)
    assert resized.shape == (*SIZE, 3)
    assert resized.dtype == (np.float32 if rule == "matlab_float" else np.uint8)
    assert np.array_equal(RULES[rule](unrounded(IMAGE), SIZE), resized)


def test_the_three_of_matlab_differ_in_rounding_and_border() -> None:
    floats = resize_matlab_float(unrounded(IMAGE), SIZE, border="symmetric")
    assert np.array_equal(RULES["matlab_float"](IMAGE, SIZE), floats)
    assert np.array_equal(RULES["matlab"](IMAGE, SIZE), eight_bit(floats))
    assert np.array_equal(RULES["matlab_uint8"](IMAGE, SIZE), resize_matlab(IMAGE, SIZE, border="replicate"))
    assert not np.array_equal(RULES["matlab"](IMAGE, SIZE), RULES["matlab_uint8"](IMAGE, SIZE))
