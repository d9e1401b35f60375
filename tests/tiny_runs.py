"""The smallest training, for fixtures of any scope."""

import io
import tarfile
from pathlib import Path

import numpy as np


def make_photographs(folder: Path) -> Path:
    """Three small smooth color images in a folder."""
    from splatsr.image_files.writing import write_image

    y, x = np.mgrid[0:60, 0:70]
    for index in range(3):
        waves = [np.sin(x / (5 + index) + channel) * np.cos(y / 7) for channel in range(3)]
        write_image(folder / f"{index}.png", np.uint8(127 + 100 * np.stack(waves, -1)))
    return folder


def make_archive(folder: Path) -> Path:
    """The images of a folder in an archive beside it, each with a text as in SA-1B, in the order of their names."""
    path = folder.with_suffix(".tar")
    with tarfile.open(path, "w") as archive:
        for image in sorted(folder.iterdir()):
            (member := tarfile.TarInfo(f"{image.stem}.json")).size = 2
            archive.addfile(member, io.BytesIO(b"{}"))
            archive.add(image, image.name)
    return path


def tiny_overrides(photographs: Path) -> list[str]:
    """The smallest model on these images, three epochs of four steps."""
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
