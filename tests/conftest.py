"""Fixtures that several tests share."""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hydra._internal.hydra import Hydra
from hypothesis import settings

from object_stores import Store, Web, a_store, a_web_server
from tiny_runs import make_photographs, tiny_overrides

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # Triton chooses its interpreter when it is imported, by whomever

for name in ("kornia", "lightning", "timm", "torch_fidelity", "torchmetrics", "torchvision", "wandb"):
    importlib.import_module(name)  # here, for speed: a module under the types' checks looks for compiled files of its own


settings.register_profile("reproducible", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("reproducible")  # the same examples in every run


@pytest.fixture(scope="session", autouse=True)
def _command_lines_are_composed_once() -> Iterator[None]:
    """Hydra composes a command line twice, the first time for `hydra.mode`, which --multirun says as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hydra, "get_mode", lambda *_, **__: None)
        yield


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # tests run in parallel processes
    yield


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder with three small smooth color images."""
    return make_photographs(tmp_path / "photographs")


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splatsr.data.location.PAUSES", (0.0,) * 3)


@pytest.fixture
def store(_no_pauses: None) -> Iterator[type[Store]]:
    """A store of files that fails as it is told."""
    with a_store() as made:
        yield made


@pytest.fixture
def web(_no_pauses: None) -> Iterator[Web]:
    """A web server on this machine that answers as it is told."""
    with a_web_server() as made:
        yield made


@pytest.fixture
def tiny_run(photographs: Path) -> list[str]:
    """Overrides: the smallest model on three small images, three epochs of four steps."""
    return tiny_overrides(photographs)


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    """A saved model, 8 channels wide."""
    path = tmp_path / "tiny.safetensors"
    from composed import settings_of
    from splatsr.checkpoints.build import build
    from splatsr.checkpoints.files import save_model

    config = settings_of("model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8")["model"]
    save_model(build(config), config, path)
    return path


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for torch's checkpoints."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub/checkpoints"
    folder.mkdir(parents=True)
    return folder
