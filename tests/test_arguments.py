"""Values that are not what an annotation says are named, with what was expected; what it allows passes."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le, Len, Lt

from splatsr.arguments import check_arguments, check_given, check_value, describe
from splatsr.bounds import AtLeastOne, Count, Fraction, MayBeInfinite, Ordered, Range, Seed
from splatsr.encoders.encoder import Encoder
from splatsr.errors import InputError


def reader(
    *,
    count: int,
    rate: float,
    name: str | None,
    sizes: Sequence[Count],
    texts: Sequence[str],
    pair: tuple[float, float],
    path: Path,
    any: Any,
    either: Count | Literal["auto"],
    encoder: Encoder,
    later: Callable[[], int],
    names: Mapping[str, str],
) -> None:
    """Takes one of each."""


PART = {"_target_": "splatsr.encoders.edsr.EDSR"}
QUOTED = "(What looks like something else is text in two quotes: '{}=\"...\"'.)"

RIGHT = {
    "count": 3, "rate": 1, "name": None, "sizes": [1, 2], "texts": ["a"], "pair": [0.5, 1], "path": "here", "any": [None, "x"],
    "either": "auto", "encoder": PART, "later": {**PART, "_partial_": True}, "names": {"a": "b"},
}  # fmt: skip


def test_right_values_pass() -> None:
    check_arguments(reader, RIGHT, "part")
    check_arguments(reader, {**RIGHT, "either": 2, "name": "x", "sizes": []}, "part")


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("count", "x", "part.count must be a whole number; got 'x'."),
        ("count", 1.5, "part.count must be a whole number; got 1.5."),
        ("count", True, "part.count must be a whole number; got true."),
        ("count", None, "part.count must be a whole number; got null."),
        ("count", PART, "part.count must be a whole number; got the part splatsr.encoders.edsr.EDSR."),
        ("count", {"a": 1}, "part.count must be a whole number; got {a}."),
        ("count", 10**30, "part.count must be a number of at most 9.223e+18, or its negative; got one beyond."),
        ("rate", "abc", "part.rate must be a number; got 'abc'."),
        ("rate", math.nan, "part.rate must be a finite number; got nan."),
        ("rate", math.inf, "part.rate must be a finite number; got inf."),
        ("rate", 1e308, "part.rate must be a number of at most 3.4e+38, or its negative; got one beyond."),
        (
            "name",
            3,
            f"part.name must be text, or null; got 3. {QUOTED.format('part.name')}",
        ),
        ("name", "", "part.name must not be empty; leave it out, or set it to null where that is allowed."),
        ("texts", "psnr", "part.texts must be a list of texts; got 'psnr'."),
        ("sizes", 4, "part.sizes must be a list of whole numbers of at least 1; got 4."),
        ("sizes", [1, "a"], "part.sizes must be a list of whole numbers of at least 1; got [1, 'a']."),
        ("sizes", [0], "part.sizes must be a list of whole numbers of at least 1; got [0]."),
        ("sizes", [[1]], "part.sizes must be a list of whole numbers of at least 1; got [[1]]."),
        ("pair", ["a", 1], "part.pair must be a list of 2 numbers; got ['a', 1]."),
        ("pair", [1], "part.pair must be a list of 2 numbers; got [1]."),
        ("any", [1, [math.nan]], "part.any must be a finite number; got nan."),
        ("either", 0, "part.either must be a whole number of at least 1, or one of auto; got 0."),
        ("either", "some", "part.either must be a whole number of at least 1, or one of auto; got 'some'."),
        ("encoder", "edsr", "part.encoder must be a part with a _target_; got 'edsr'."),
        ("encoder", None, "part.encoder must be a part with a _target_; got null."),
        ("encoder", {**PART, "_partial_": True}, "part.encoder._partial_ must be false."),
        ("later", PART, "part.later._partial_ must be true."),
        (
            "names",
            {"a": 3},
            f"part.names.a must be text; got 3. {QUOTED.format('part.names.a')}",
        ),
        ("names", ["a"], "part.names must be a mapping of names to values; got ['a']."),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(key: str, value: object, line: str) -> None:
    with pytest.raises(InputError) as refusal:
        check_arguments(reader, {**RIGHT, key: value}, "part")
    assert str(refusal.value) == line


@pytest.mark.parametrize(
    ("hint", "inside", "outside"),
    [
        (Annotated[int, Gt(1), Lt(4)], [2, 3], [1, 4]),
        (Annotated[float, Gt(0), Le(1)], [0.1, 1], [0, 1.1]),
        (Fraction, [0, 1, 0.5], [-0.1, 1.1]),
        (Seed, [0, 2**32 - 1], [-1, 2**32]),
        (Range, [[1, 1], [1, 2.5]], [[2, 1], [1], [1, 2, 3], []]),
        (Annotated[Sequence[int], Ordered(strictly=True)], [[], [1], [1, 2]], [[1, 1], [2, 1]]),
        (Annotated[Sequence[Fraction], AtLeastOne], [[0, 1]], [[], [2]]),
        (Annotated[float, Ge(0), MayBeInfinite()], [0, math.inf], [-1, -math.inf, math.nan]),
        (Annotated[Sequence[int], Len(3, 3)] | None, [None, [1, 2, 3]], [[1, 2]]),
    ],
)
def test_bounds_hold_at_their_ends(hint: Any, inside: list[Any], outside: list[Any]) -> None:
    for value in inside:
        check_value(value, hint, "it")
    for value in outside:
        with pytest.raises(InputError, match="^it must be"):
            check_value(value, hint, "it")


def test_an_argument_that_is_left_out_is_named() -> None:
    check_given(reader, RIGHT, "part")
    with pytest.raises(InputError, match=r"^part\.encoder is left out"):
        check_given(reader, {key: value for key, value in RIGHT.items() if key != "encoder"}, "part")


def test_types_are_described() -> None:
    assert describe(Literal["a", "b"]) == "one of a, b"
    assert describe(int | float) == "a number"
    assert describe(list[str] | None) == "a list of texts, or null"
    assert describe(Seed) == "a whole number from 0 to 4294967295"
    assert describe(Range) == "a list of 2 numbers, none smaller than the one before"
    assert describe(Annotated[Sequence[Count], AtLeastOne]) == "a list of 1 or more whole numbers of at least 1"
