from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from splatsr.errors import InputError
from splatsr.image_files.memory import DECODED, check_memory


def test_an_image_must_fit_into_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=DECODED * 20 * 30))
    check_memory(Path("a.png"), (20, 30))
    with pytest.raises(InputError, match=r"a\.png is 31x20 pixels"):
        check_memory(Path("a.png"), (20, 31))
