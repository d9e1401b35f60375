"""A training that takes seconds, and a model that is saved in no time."""

from pathlib import Path

import pytest

from composed import settings_of
from splatsr import checkpoints


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
        "model.color_hidden=[8]",
        "model.offset_hidden=[8]",
        "model.embedding=8",
        "model.embedding_hidden=[8]",
        "trainer.max_epochs=3",
        "schedule.warmup_steps=2",
        "scales=[2]",
        "pictures=0",
    ]


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    """A saved model, 8 channels wide."""
    path = tmp_path / "tiny.safetensors"
    config = settings_of("model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8")["model"]
    checkpoints.save(checkpoints.build(config), config, path)
    return path
