"""Values of a wrong type are named before anything is read; what the types allow passes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from composed import settings_of
from splatsr.errors import InputError
from splatsr.runs.call import call_job
from splatsr.runs.setting_types import check_arguments, describe


def reader(
    *, count: int, rate: float, name: str | None, sizes: Sequence[int], pair: tuple[float, float], path: Path, any: Any
) -> None:
    """Takes one of each."""


RIGHT = {"count": 3, "rate": 1, "name": None, "sizes": [1, 2], "pair": [0.5, 1], "path": "here", "any": [None, "x"]}


def test_right_values_pass() -> None:
    check_arguments(reader, RIGHT, "part")


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("count", "x", "part.count must be a whole number; got 'x'."),
        ("count", 1.5, "part.count must be a whole number; got 1.5."),
        ("count", True, "part.count must be a whole number; got True."),
        ("count", None, "part.count must be a whole number; got None."),
        ("rate", "abc", "part.rate must be a number; got 'abc'."),
        ("name", 3, "part.name must be text, or null; got 3."),
        ("sizes", 4, "part.sizes must be a list of whole numbers; got 4."),
        ("sizes", [1, "a"], "part.sizes must be a list of whole numbers; got [1, 'a']."),
        ("pair", ["a", 1], "part.pair must be a list of numbers; got ['a', 1]."),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(key: str, value: object, line: str) -> None:
    with pytest.raises(InputError) as refusal:
        check_arguments(reader, {**RIGHT, key: value}, "part")
    assert str(refusal.value) == line


def test_parts_are_looked_into_at_any_depth() -> None:
    node = {
        "_target_": "splatsr.models.liif.LIIF",
        "hidden": [4],
        "encoder": {"_target_": "splatsr.encoders.edsr.EDSR", "blocks": "many"},
    }
    with pytest.raises(InputError, match=r"^any\.list\[0\]\.encoder\.blocks must be a whole number; got 'many'"):
        check_arguments(reader, {"any": {"list": [node]}}, "")


def test_literals_and_unions_are_described() -> None:
    assert describe(Literal["a", "b"]) == "one of a, b"
    assert describe(int | float) == "a number"
    assert describe(list[str] | None) == "a list of text, or null"


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("optimizer.lr=abc", "optimizer.lr must be a number"),
        ("optimizer.betas=[0.9,x]", "optimizer.betas must be a list of numbers"),
        ("data.batch_size=x", "data.batch_size must be a whole number; got 'x'"),
        ("data.batch_size=2.5", "data.batch_size must be a whole number; got 2.5"),
        ("trainer.devices=[a]", "trainer.devices must be"),
        ("trainer.max_epochs=many", "trainer.max_epochs must be a whole number, or null; got 'many'"),
        ("callbacks.averaging.decay=x", "callbacks.averaging.decay must be a number"),
        ("callbacks.validation.metrics=3", "callbacks.validation.metrics must be a list of text; got 3"),
        ("model.encoder.blocks=[1]", r"model.encoder.blocks must be a whole number; got \[1\]"),
        ("pictures=some", "pictures must be a whole number"),
        ("prior.crops=x", "prior.crops must be a whole number"),
        ("+invented=1", "nothing reads the key 'invented'"),
    ],
)
def test_a_wrong_value_is_one_line_before_data_are_read(override: str, line: str, tmp_path: Path) -> None:
    job = "fit_prior" if override.startswith("prior") else "train"
    settings = settings_of(f"job={job}", "data=folder", "data.train=nowhere", f"run_dir={tmp_path}/run", override)
    with pytest.raises(InputError, match=line):
        call_job(settings)
    assert list(tmp_path.iterdir()) == []
