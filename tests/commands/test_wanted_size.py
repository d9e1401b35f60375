import argparse

import pytest

from splatsr.commands.wanted_size import OPTIONS, WantedSize, wanted_size
from splatsr.errors import InputError


def wanted(**given: str) -> WantedSize:
    return wanted_size(argparse.Namespace(**{**dict.fromkeys(OPTIONS), **given}))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"scale": "3.70"}, WantedSize(3.7, None, None, "_x3.7")),
        ({"scale": "3x2.5"}, WantedSize([2.5, 3.0], None, None, "_x3x2.5")),
        ({"size": "1920x1080"}, WantedSize(None, [1080, 1920], None, "_1920x1080")),
        ({"size": "1920×1080"}, WantedSize(None, [1080, 1920], None, "_1920x1080")),
        ({"width": "1920"}, WantedSize(None, [None, 1920], None, "_w1920")),
        ({"height": "1080"}, WantedSize(None, [1080, None], None, "_h1080")),
        ({"fit": "1920X1080"}, WantedSize(None, None, [1080, 1920], "_fit1920x1080")),
    ],
)
def test_width_comes_first_here_and_height_in_the_package(given: dict[str, str], expected: WantedSize) -> None:
    assert wanted(**given) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "how large"),
        ({"scale": "2", "width": "9"}, "--scale and --width contradict"),
        ({"scale": "3,7"}, "decimals have a point: 3.7"),
        ({"scale": "0"}, "greater than 0"),
        ({"scale": "nan"}, "greater than 0"),
        ({"scale": "1x2x3"}, "greater than 0"),
        ({"scale": "x"}, "greater than 0"),
        ({"size": "1920"}, "width x height"),
        ({"size": "0x4"}, "width x height"),
        ({"size": "100x"}, "--size 100x: expected"),
        ({"scale": "1e9"}, "at most 1,000,000"),
        ({"fit": "1.5x4"}, "width x height"),
        ({"width": "-3"}, "whole number of pixels"),
    ],
)
def test_what_is_no_size_is_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        wanted(**given)
