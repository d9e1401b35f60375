from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from composed import settings_of
from splatsr.data.degradation.blur import GaussianBlur
from splatsr.data.degradation.chain import Degradation
from splatsr.data.degradation.downscale import Downscale
from splatsr.data.degradation.eight_bit import EightBit
from splatsr.data.degradation.jpeg import Jpeg
from splatsr.data.degradation.noise import GaussianNoise
from splatsr.errors import InputError
from splatsr.resize.levels import unrounded
from splatsr.resize.rules import RULES
from splatsr.runs.configuration import instantiate

PHOTOGRAPH = np.ascontiguousarray(astronaut()[:96, 150:278])
SIZE = (24, 32)
DOWNSCALE = Downscale(rule="pil")
STEPS = {
    "blur": GaussianBlur(sigma=[0.5, 2]),
    "noise": GaussianNoise(sigma=[5, 20]),
    "jpeg": Jpeg(quality=[20, 80]),
    "eight_bit": EightBit(),
}


def run(*steps: object, seed: int = 0) -> np.ndarray:
    chain = Degradation({str(index): step for index, step in enumerate(steps)})
    return chain(PHOTOGRAPH, SIZE, np.random.default_rng(seed))


@pytest.mark.parametrize("rule", RULES)
def test_the_configurations_of_downscaling_are_the_rules(rule: str) -> None:
    (step,) = settings_of(f"data/degradation=[{rule}]")["data"]["degradation"].values()
    assert np.array_equal(run(instantiate(step, rule)), RULES[rule](PHOTOGRAPH, SIZE))


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(InputError, match="downscaled by pil, torchvision, matlab, matlab_uint8, matlab_float; got 'lanczos'"):
        Downscale(rule="lanczos")


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("first", [True, False])
def test_every_step_fits_before_and_after_and_repeats_itself(name: str, first: bool) -> None:
    chain = (STEPS[name], DOWNSCALE) if first else (DOWNSCALE, STEPS[name])
    low = run(*chain)
    assert low.shape == (*SIZE, 3)
    assert low.dtype == (np.float32 if name in ("blur", "noise") and not first else np.uint8)
    assert np.array_equal(low, run(*chain))
    assert np.array_equal(low, run(*chain, seed=1)) == (name == "eight_bit")


def test_order_counts() -> None:
    noise, blur, pil = GaussianNoise(sigma=[30, 30]), GaussianBlur(sigma=[2, 2]), DOWNSCALE
    noise_last, blur_last = run(pil, blur, noise), run(pil, noise, blur)
    assert noise_last.std() > 1.05 * blur_last.std()


def test_noise_has_the_asked_deviation() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    noisy = GaussianNoise(sigma=[10, 10])(grey, (200, 200), np.random.default_rng(0))
    assert abs(255 * (noisy - grey / 255).std() - 10) < 0.1
    assert GaussianNoise(sigma=[255, 255])(grey, (200, 200), np.random.default_rng(0)).max() == 1


def test_blur_spreads_a_point_to_the_asked_width() -> None:
    point = np.zeros((41, 51, 3), np.float32)
    point[20, 25] = 1
    blurred = GaussianBlur(sigma=[2, 2])(point, (41, 51), np.random.default_rng(0))[..., 0].astype(float)
    y, x = np.mgrid[0:41, 0:51]
    assert abs(blurred.sum() - 1) < 1e-5
    assert abs((blurred * (y - 20) ** 2).sum() - 4) < 0.05
    assert abs((blurred * (x - 25) ** 2).sum() - 4) < 0.05


def test_blur_leaves_an_image_that_is_too_small_or_a_sigma_of_nothing() -> None:
    assert np.array_equal(GaussianBlur(sigma=[0, 0])(PHOTOGRAPH, SIZE, np.random.default_rng(0)), unrounded(PHOTOGRAPH))
    tiny = PHOTOGRAPH[:2, :3]
    assert GaussianBlur(sigma=[20, 20])(tiny, (2, 3), np.random.default_rng(0)).shape == (2, 3, 3)


def test_jpeg_is_what_a_file_of_that_quality_holds() -> None:
    file = BytesIO()
    Image.fromarray(PHOTOGRAPH).save(file, "JPEG", quality=30)
    expected = np.asarray(Image.open(file))
    assert np.array_equal(Jpeg(quality=[30, 30])(PHOTOGRAPH, SIZE, np.random.default_rng(0)), expected)


def test_a_chain_downscales_exactly_once() -> None:
    for steps in ({"blur": STEPS["blur"]}, {"pil": DOWNSCALE, "matlab": DOWNSCALE}):
        with pytest.raises(InputError, match=r"data/degradation=\[.*\] has [02] steps that make the image smaller"):
            Degradation(steps)


@pytest.mark.parametrize("values", [[3, 1], [-1, 2], [1], [1, 300]])
def test_impossible_ranges_are_refused(values: list[float]) -> None:
    with pytest.raises(InputError, match=r"data.degradation.noise.sigma must be \[smallest, largest\] between 0 and 255"):
        GaussianNoise(sigma=values)
