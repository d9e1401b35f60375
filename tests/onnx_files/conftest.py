"""Sizes are tensors while a graph is traced, which no annotation of a size allows."""

import jaxtyping
import pytest


@pytest.fixture(autouse=True)
def _untyped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
