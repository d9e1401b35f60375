import numpy as np
import pytest
from skimage.data import astronaut

from splatsr.data.degradation.blur import GaussianBlur
from splatsr.data.degradation.chain import Degradation
from splatsr.data.degradation.downscale import Downscale
from splatsr.data.degradation.eight_bit import EightBit
from splatsr.data.degradation.jpeg import Jpeg
from splatsr.data.degradation.noise import GaussianNoise
from splatsr.errors import InputError

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


def test_a_chain_downscales_exactly_once() -> None:
    for steps in ({"blur": STEPS["blur"]}, {"pil": DOWNSCALE, "matlab": DOWNSCALE}):
        with pytest.raises(InputError, match=r"data/degradation=\[.*\] has [02] steps that make the image smaller"):
            Degradation(steps)
