"""Values of a wrong type are named before anything is read; what the types allow passes."""

from pathlib import Path
from typing import Any

import pytest

from composed import settings_of
from splatsr.errors import InputError
from splatsr.runs.call import call_job
from splatsr.runs.setting_types import check_arguments


def reader(*, any: Any) -> None:
    """Takes whatever there is."""


def test_parts_are_looked_into_at_any_depth() -> None:
    node = {
        "_target_": "splatsr.models.liif.LIIF",
        "hidden": [4],
        "encoder": {"_target_": "splatsr.encoders.edsr.EDSR", "blocks": "many"},
    }
    with pytest.raises(InputError, match=r"^any\.list\[0\]\.encoder\.blocks must be a whole number from 1 to 1000; got 'many'"):
        check_arguments(reader, {"any": {"list": [node]}}, "")


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("optimizer.lr=abc", "optimizer.lr must be a number"),
        ("optimizer.betas=[0.9,x]", "optimizer.betas must be a list of 2 numbers"),
        ("data.batch_size=x", "data.batch_size must be a whole number from 1 to 1000000; got 'x'"),
        ("data.batch_size=2.5", "data.batch_size must be a whole number from 1 to 1000000; got 2.5"),
        ("trainer.devices=[a]", "trainer.devices must be"),
        ("trainer.max_epochs=many", "trainer.max_epochs must be a whole number of at least -1, or null; got 'many'"),
        ("callbacks.averaging.decay=x", "callbacks.averaging.decay must be a number"),
        ("callbacks.validation.metrics=3", "callbacks.validation.metrics must be a list of texts; got 3"),
        ("model.encoder.blocks=[1]", r"model.encoder.blocks must be a whole number from 1 to 1000; got \[1\]"),
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
