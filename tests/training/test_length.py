"""Lengths that a trainer's settings give a training."""

from typing import Any

import pytest

from splatsr.errors import InputError
from splatsr.training.length import check_epoch, check_length


@pytest.mark.parametrize("setting", ["overfit_batches", "barebones", "fast_dev_run"])
def test_what_leaves_no_weights_or_exchanges_the_sampler_is_refused(setting: str) -> None:
    with pytest.raises(InputError, match=f"trainer.{setting}"):
        check_length({"max_epochs": 1, setting: 1})
    check_length({"max_epochs": 1, setting: 0})


@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        ({"val_check_interval": 3}, "val_check_interval=3 is longer than an epoch, which has 2 batches"),
        ({"val_check_interval": 2, "limit_train_batches": 1}, "which has 1 batches"),
        ({"val_check_interval": 2, "limit_train_batches": 0.5}, "which has 1 batches"),
        ({"val_check_interval": 0.1}, "less than one batch"),
        ({"val_check_interval": 0.5, "check_val_every_n_epoch": None}, "must be a whole number"),
        ({"limit_train_batches": 0.1}, "leaves nothing of an epoch of 2 batches"),
        ({"val_check_interval": 3, "check_val_every_n_epoch": None}, None),
        ({"val_check_interval": 2, "limit_train_batches": 7}, None),
        ({"val_check_interval": 1.0, "limit_train_batches": 1.0}, None),
        ({"val_check_interval": "00:00:01:00", "limit_train_batches": None}, None),
    ],
)
def test_an_epoch_is_long_enough_for_what_happens_in_it(settings: dict[str, Any], refused: str | None) -> None:
    if refused is None:
        check_epoch(settings, 2)
    else:
        with pytest.raises(InputError, match=refused):
            check_epoch(settings, 2)
