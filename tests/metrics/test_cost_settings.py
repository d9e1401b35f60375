from typing import Any

import pytest

from composed import settings_of
from splatsr.errors import InputError
from splatsr.runs.configuration import instantiate


def settings(*overrides: str) -> Any:
    return instantiate(settings_of("model=bicubic", *overrides)["benchmark"], "benchmark")


def test_every_whole_scale_between_the_first_and_the_last_is_measured() -> None:
    assert settings("benchmark.average_time.scales=[3,6]").average_time.scales == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("override", "refusal"),
    [
        ("benchmark.repetitions=0", "benchmark.repetitions must be a whole number of at least 1; got 0"),
        ("benchmark.average_time.scales=[6,3]", "none smaller than the one before; got .6, 3."),
        ("benchmark.average_time.lr_sizes=[[0,5]]", "lr_sizes must be a list of 1 or more lists of 2 whole numbers from 1"),
        ("benchmark.memory.lr_size=[5]", "benchmark.memory.lr_size must be a list of 2 whole numbers"),
        ("benchmark.one_scale.scales=[0]", "scale"),
        ("benchmark.memory.scales=[-1]", "scale"),
    ],
)
def test_impossible_values_are_refused_by_name(override: str, refusal: str) -> None:
    with pytest.raises(InputError, match=refusal):
        settings(override)
