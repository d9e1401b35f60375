"""How long one command may train (`trainer.max_time`): to the end of the epoch in which that time is over."""

from typing import Any

from lightning.pytorch.callbacks import Timer
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from splatsr.errors import InputError


class TimeLimit(Timer):
    """Ends a training at the end of an epoch, where its checkpoint is; a run that goes on has its time anew.

    Args:
        duration: text such as "00:12:00:00" (days, hours, minutes, seconds), or {"hours": 12} and the like.

    Raises:
        InputError: it is none of these.
    """

    def __init__(self, duration: Any) -> None:
        try:
            super().__init__(duration=duration, interval="epoch", verbose=False)
        except (MisconfigurationException, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise InputError(
                "trainer.max_time must be text such as 00:12:00:00 (days, hours, minutes, seconds), or {hours: 12}; got "
                f"{duration}."
            ) from error

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes nothing over."""
