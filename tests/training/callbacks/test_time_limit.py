import pytest

from splatsr.errors import InputError
from splatsr.training.callbacks.time_limit import TimeLimit


def test_a_run_that_goes_on_has_its_time_anew() -> None:
    one = TimeLimit({"hours": 1})
    assert one.state_dict() == {}
    one.load_state_dict({"time_elapsed": {"train": 4000.0}})
    assert one.time_remaining() == pytest.approx(3600)


@pytest.mark.parametrize("duration", ["many", 3.5, {"fortnights": 1}, "1:2", []])
def test_what_is_no_duration_is_refused(duration: object) -> None:
    with pytest.raises(InputError, match="trainer.max_time must be text such as 00:12:00:00"):
        TimeLimit(duration)
