from typing import Any

import pytest

from composed import settings_of
from splatsr.errors import InputError
from splatsr.runs.configuration import instantiate


def settings(*overrides: str) -> Any:
    return instantiate(settings_of(*overrides)["prior"], "prior")


def test_the_description_says_what_changes_the_fit() -> None:
    plain, other = settings("prior.crops=3").describe(), settings("prior.crops=3", "prior.fitting.steps=7").describe()
    assert plain.startswith("3 crops of ")
    assert plain != other
    assert " 7 steps of " in other


@pytest.mark.parametrize(
    ("override", "refusal"),
    [
        ("prior.crops=0", "prior.crops must be a whole number of at least 1; got 0"),
        ("prior.side=-1", "prior.side must be a whole number from 1 to 2147483647; got -1"),
        ("prior.kernels=some", "one of all, visible"),
        ("prior.sensitivity.seeds=0", "prior.sensitivity.seeds must be a whole number of at least 1; got 0"),
        (
            "prior.sensitivity.deviations=[0.1,0]",
            "prior.sensitivity.deviations must be a list of 1 or more numbers greater than 0",
        ),
        ("prior.sensitivity.deviations=[]", "prior.sensitivity.deviations must be a list of 1 or more numbers greater than 0"),
    ],
)
def test_impossible_values_are_refused_by_name(override: str, refusal: str) -> None:
    with pytest.raises(InputError, match=refusal):
        settings(override)
