import numpy as np
import pytest
from skimage.data import astronaut

from composed import settings_of
from splatsr.data.degradation.downscale import Downscale
from splatsr.errors import InputError
from splatsr.resize.rules import RULES
from splatsr.runs.configuration import instantiate

PHOTOGRAPH = np.ascontiguousarray(astronaut()[:96, 150:278])
SIZE = (24, 32)


@pytest.mark.parametrize("rule", RULES)
def test_the_configurations_of_downscaling_are_the_rules(rule: str) -> None:
    (step,) = settings_of(f"data/degradation=[{rule}]")["data"]["degradation"].values()
    assert np.array_equal(instantiate(step, rule)(PHOTOGRAPH, SIZE, np.random.default_rng(0)), RULES[rule](PHOTOGRAPH, SIZE))


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(InputError, match="downscaled by pil, torchvision, matlab, matlab_uint8, matlab_float; got 'lanczos'"):
        Downscale(rule="lanczos")
