"""Fixtures that several tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # Triton chooses its interpreter when it is imported, by whomever


settings.register_profile("reproducible", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("reproducible")  # the same examples in every run


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # tests run in parallel processes
    yield


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder with three small smooth color images."""
    import numpy as np

    from splatsr.image_files.writing import write_image

    folder = tmp_path / "photographs"
    y, x = np.mgrid[0:60, 0:70]
    for index in range(3):
        waves = [np.sin(x / (5 + index) + channel) * np.cos(y / 7) for channel in range(3)]
        write_image(folder / f"{index}.png", np.uint8(127 + 100 * np.stack(waves, -1)))
    return folder


@pytest.fixture
def tiny_run(photographs: Path) -> list[str]:
    """Overrides: the smallest model on three small images, three epochs of four steps."""
    return [
        "experiment=quickstart",
        "data=folder",
        f"data.train={photographs}",
        f"data.test={photographs}",
        "data.patch=24",
        "data.scale_range=[2,3]",
        "data.batch_size=2",
        "data.batches_per_epoch=4",
        "data.workers=0",
        "data.validation_scales=[2]",
        "model.encoder.channels=8",
        "model.encoder.blocks=1",
        "model.encoder.out_channels=8",
        "model.colors.hidden=[8]",
        "model.positions.hidden=[8]",
        "model.shapes.embedding=8",
        "model.shapes.embedding_hidden=[8]",
        "trainer.max_epochs=3",
        "schedule.warmup_steps=2",
        "scales=[2]",
        "pictures=0",
    ]


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
