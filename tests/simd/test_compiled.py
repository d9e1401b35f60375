from pathlib import Path

import numba.core.config
import pytest

from splatsr.simd import compiled as module


def double(number: float) -> float:
    """Twice the number."""
    return 2 * number


def test_machine_code_lies_in_the_users_folder_by_what_the_sources_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "user_cache", lambda: tmp_path)
    monkeypatch.setattr(numba.core.config, "CACHE_DIR", "")
    assert module.compiled()(double)(2.0) == 4.0
    (folder,) = (tmp_path / "numba").iterdir()
    assert folder.name == module._digest(__file__)
    assert list(folder.rglob("*.nbc"))
    assert numba.core.config.CACHE_DIR == ""


def test_without_a_folder_it_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "user_cache", lambda: None)
    monkeypatch.setattr(numba.core.config, "CACHE_DIR", "")
    assert module.compiled(error_model="numpy")(double)(3.0) == 6.0
