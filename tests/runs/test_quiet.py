import logging
import warnings

from splatsr.runs.quiet import quieten_lightning


def test_notes_go_and_warnings_stay() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        quieten_lightning()
        warnings.warn("The 'predict_dataloader' does not have many workers", UserWarning, stacklevel=1)
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert [str(one.message) for one in heard] == ["something else"]
    log = logging.getLogger("lightning.pytorch.utilities.rank_zero")
    assert not log.isEnabledFor(logging.INFO)
    assert log.isEnabledFor(logging.WARNING)
