"""Jobs that take seconds, on small pictures, for the campaigns of docs/reliability.md."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file

from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import save_model
from splatsr.image_files.writing import write_image
from splatsr.runs.configuration import compose

MODEL = (
    "model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8", "model.colors.hidden=[8]",
    "model.positions.hidden=[8]", "model.shapes.embedding=8", "model.shapes.embedding_hidden=[8]",
)  # fmt: skip


class SmallJob(NamedTuple):
    """A command line, without what says where its results go.

    Attributes:
        name: of the job.
        arguments: of run.py; {home} stands for the folder with the pictures, {out} for that of the results.
        results: the files, below {out}, that an undisturbed and a disturbed run must have alike.
        resumed: what is added when it goes on.
    """

    name: str
    arguments: tuple[str, ...]
    results: tuple[str, ...]
    resumed: tuple[str, ...]

    def command(self, home: Path, out: Path, *more: str) -> list[str]:
        """The arguments for these folders."""
        return [one.replace("{home}", str(home)).replace("{out}", str(out)) for one in (*self.arguments, *more)]


_RUN = ("hydra.run.dir={out}",)

JOBS = {
    "train": SmallJob(
        "train",
        (
            "experiment=quickstart", "data=folder", "data.train={home}/pictures", "data.test={home}/pictures", "data.patch=24",
            "data.scale_range=[2,3]", "data.batch_size=2", "data.batches_per_epoch=4", "data.workers=1", "pictures=1",
            "data.validation_scales=[2]", *MODEL, "trainer.max_epochs=4", "trainer.log_every_n_steps=2",
            "schedule.warmup_steps=2", "scales=[2]", *_RUN,
        ),
        ("model.safetensors",),
        ("resume=auto",),
    ),
    "fit_prior": SmallJob(
        "fit_prior",
        (
            "job=fit_prior", "data=folder", "data.train={home}/pictures", "data.workers=0", "prior.crops=6", "prior.side=16",
            "prior.batch=1", "prior.fitting.steps=30", *_RUN,
        ),
        ("dictionary.safetensors", "fields/00005.safetensors"),
        ("resume=auto",),
    ),
    "evaluate": SmallJob(
        "evaluate",
        ("job=evaluate", "model=bicubic", "data=folder", "data.test={home}/pictures", "scales=[2,3]", "pictures=2", *_RUN),
        ("metrics.json", "pictures/pictures-0-x3.png"),
        (),
    ),
    "upscale": SmallJob(
        "upscale",
        ("job=upscale", "checkpoint={home}/model.safetensors", "input={home}/pictures", "output={out}", "scale=2.5"),
        tuple(f"{index}.png" for index in range(6)),
        (),
    ),
    "prepare": SmallJob(
        "prepare",
        ("job=prepare", "data=folder", "data.train={home}/pictures", "data.cache={out}"),
        ("*/pixels.u8",),
        (),
    ),
    "convert": SmallJob(
        "convert",
        ("job=convert", "checkpoint={home}/model.safetensors", "output={out}/converted.safetensors"),
        ("converted.safetensors",),
        (),
    ),
}  # fmt: skip


def make_home(folder: Path) -> Path:
    """A folder with six small pictures and a saved model."""
    y, x = np.mgrid[0:60, 0:70]
    for index in range(6):
        waves = [np.sin(x / (5 + index) + channel) * np.cos(y / 7) for channel in range(3)]
        write_image(folder / f"pictures/{index}.png", np.uint8(127 + 100 * np.stack(waves, -1)))
    torch.manual_seed(0)
    config = compose(*MODEL)["model"]
    save_model(build(config), config, folder / "model.safetensors")
    return folder


def results(job: SmallJob, out: Path) -> list[bytes]:
    """The contents of a job's results: tensors where they are such, or else the files' bytes; a missing one is no content."""
    return [b"".join(map(_content, sorted(out.glob(name)))) for name in job.results]


def _content(path: Path) -> bytes:
    if path.suffix != ".safetensors":
        return path.read_bytes()
    return b"".join(name.encode() + tensor.numpy().tobytes() for name, tensor in sorted(load_file(path).items()))
