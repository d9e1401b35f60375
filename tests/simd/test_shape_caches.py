import os

import pytest

from splatsr.simd.shape_caches import bound_shape_caches

NAMES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")


def test_both_caches_are_bounded_and_what_is_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(NAMES[0], "7")
    bound_shape_caches()
    assert os.environ[NAMES[0]] == "7"
    assert 0 < int(os.environ[NAMES[1]]) < 1024


def test_importing_the_package_bounds_them() -> None:
    import splatsr

    assert splatsr.__version__
    assert all(name in os.environ for name in NAMES)
