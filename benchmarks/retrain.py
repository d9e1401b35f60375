"""Trains a model that comes along once more, by the settings of its stages; goes on where it was stopped.

    python benchmarks/retrain.py tiny --train <photos> <cid22> --test <Set5>    # first on a GPU, then on a processor
    python benchmarks/retrain.py tiny ... --after 11500                         # the stages after its weights of 11,500 steps
    python benchmarks/retrain.py tiny ... --settings trainer=cpu                # further settings, of every stage

The weights after a stage were kept as docs/results/<name>-<steps>-steps.safetensors, mostly in half precision. Every stage
is a run in a folder of outputs/released/<name>; benchmarks/release.py puts the last one's model into the box. Elsewhere the
figures come out alike, not the bits: the second stage of tiny, for one, is trained to the end that the machine had no time for.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from section import HERE
from splatsr.disk.read_back import read_yaml

KEPT = HERE.parent / "docs" / "results"


@dataclass(frozen=True)
class Stage:
    """A training that goes on with the weights of the one before.

    Args:
        steps: of all stages up to its end.
        settings: that differ from experiment=<name>_released.
    """

    steps: int
    settings: tuple[str, ...]


POINTS = "model.reference_scale=2"
"""Pixels were points from x2 on until the last stage, in which they became means at every scale."""

DRAWINGS = "data.drawings=60"
"""Of the stages on a GPU; a quarter of them since."""

CORE = (
    *("trainer=cpu", "data.batch_size=16", "data.patch=96", "data.workers=0", "loss.weight=0.01"),
    *("schedule.warmup_steps=50", "trainer.log_every_n_steps=50"),
)
"""Of the stages on one core of a processor."""

LAST = (*CORE, "data.scale_range=[2.5,8]", "optimizer.lr=4e-4", "seed=2")

STAGES = {
    "tiny": (
        Stage(7_000, (POINTS, DRAWINGS, "loss=l1", "data.batch_size=32", "trainer.max_epochs=14")),
        Stage(11_500, (POINTS, DRAWINGS, "trainer.max_epochs=10")),  # nine of them: 12,000 steps when they are all run
        Stage(13_300, (POINTS, *CORE, "data.batches_per_epoch=300", "optimizer.lr=2e-4", "trainer.max_epochs=6", "seed=0")),
        Stage(16_300, (POINTS, *CORE, "data.batches_per_epoch=300", "optimizer.lr=2e-4", "trainer.max_epochs=10", "seed=1")),
        Stage(20_800, (*LAST, "data.batches_per_epoch=450", "trainer.max_epochs=10")),
    ),
    "small": (
        Stage(6_000, (POINTS, DRAWINGS, "loss=l1", "data.batch_size=32", "trainer.max_epochs=12")),
        Stage(10_500, (POINTS, DRAWINGS, "trainer.max_epochs=9")),
        Stage(13_100, (*LAST, "data.batches_per_epoch=260", "trainer.max_epochs=10", "callbacks.averaging.decay=0.998")),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains a model that comes along once more, stage after stage.")
    parser.add_argument("name", choices=STAGES)
    parser.add_argument("--train", nargs="+", type=Path, required=True, help="folders of photographs")
    parser.add_argument("--test", type=Path, required=True, help="a folder such as Set5's")
    parser.add_argument("--after", type=int, metavar="STEPS", help="begin with the weights kept after so many steps")
    parser.add_argument("--settings", nargs="+", default=[], metavar="KEY=VALUE", help="of every stage, after its own")
    parser.add_argument("--folder", type=Path, help="of the stages' runs; default: outputs/released/<name>")
    arguments = parser.parse_args()
    name, folder = arguments.name, arguments.folder or Path("outputs/released") / arguments.name
    photographs = ",".join(str(one.resolve()) for one in arguments.train)
    common = ("data=folder", f"data.train=[{photographs}]", f"data.test={arguments.test.resolve()}", *arguments.settings)
    weights = None if arguments.after is None else kept(name, arguments.after)
    after = "" if arguments.after is None else f" after its {arguments.after:,} steps"
    for stage in STAGES[name]:
        if arguments.after is None or stage.steps > arguments.after:
            weights = train(name, stage, weights, folder / str(stage.steps), common)
    print(f"{weights} has been through the stages of {name}{after}.")


def kept(name: str, steps: int) -> Path:
    """The weights after so many steps; SystemExit where they were not kept."""
    file = KEPT / f"{name}-{steps}-steps.safetensors"
    if not file.exists():
        there = sorted(int(one.stem.split("-")[1]) for one in KEPT.glob(f"{name}-*-steps.safetensors"))
        raise SystemExit(f"{file} is not there; of {name} the weights after these steps were kept: {there}.")
    return file


def train(name: str, stage: Stage, weights: Path | None, folder: Path, common: Sequence[str]) -> Path:
    """The model of a stage, trained unless that is done; `weights` are what it begins with.

    SystemExit where the folder holds a training with other settings, or the training fails.
    """
    begins = () if weights is None else (f"checkpoint={weights}",)
    asked, begun = [*settings(name, stage), *begins, *common], folder / "overrides.yaml"
    if begun.exists() and (before := read_yaml(begun)) != asked:
        others = ", ".join(sorted({*before} ^ {*asked}))
        raise SystemExit(f"{folder} was trained with other settings ({others}); give another --folder, or remove it.")
    if not (folder / "metrics.json").exists():
        where = f"resume={folder}" if begun.exists() else f"hydra.run.dir={folder}"
        if code := subprocess.run([sys.executable, str(HERE.parent / "run.py"), *asked, where], check=False).returncode:
            sys.exit(code)  # run.py has said why
    return folder / "model.safetensors"


def settings(name: str, stage: Stage) -> tuple[str, ...]:
    """What `run.py` is told of a stage but its photographs and first weights."""
    return (f"experiment={name}_released", *stage.settings, "data.licence=CC-BY-SA-4.0")


if __name__ == "__main__":
    main()
