"""Where the time goes: one training step and one enlargement, split into their parts, for four models.

    python benchmarks/step.py             # about two minutes; --quick for a rough answer

Writes its tables in benchmarks/README.md and benchmarks/results/step.json. A step is cut at the parts' borders and every part
is run forward and backward by itself; the run stops unless loss and gradients are those of the step in one piece. Whole and
split steps of all models take turns. Figures are medians of wall-clock times, after one untimed turn.
"""

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from composed_model import composed_model
from section import figure, write_results, write_section
from splatsr.data.batch_sampler import BatchRequest, CropRequest
from splatsr.data.crops import CropDataset
from splatsr.data.degradation.chain import Degradation
from splatsr.data.degradation.downscale import Downscale
from splatsr.data.photos import training_photographs
from splatsr.disk.markdown import markdown_table
from splatsr.heads.ddcw import WeightedRows
from splatsr.image.field import GaussianField
from splatsr.image_files.reading import read_image
from splatsr.models.continuoussr import ContinuousSR

MODELS = {
    "tiny": ["model=continuoussr_tiny"],
    "light": ["model=continuoussr_light"],
    "published heads": ["model=continuoussr"],
    "published heads, SwinIR": ["model=continuoussr", "model/encoder=swinir"],
}
BATCH, PATCH, SCALE = 2, 96, 4
"""HR crops of a training step, their side in pixels and the scale: LR crops of 24 x 24."""
LR = 48
"""Side of the image that is enlarged, in pixels, and the size that multiply-adds are counted at."""

PARTS = "loader", "encoder", "color", "offset", "query", "keys", "weighting", "splat", "loss", "optimizer"


@dataclass
class Stopwatch:
    """Milliseconds by part, in the order of their first use."""

    milliseconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def __call__(self, part: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        self.milliseconds[part] += 1000 * (time.perf_counter() - start)
        return result


class Cut:
    """A tensor handed from one part to the next; its gradient comes back by `gradient`."""

    def __init__(self, made: Tensor) -> None:
        self.made, self.given = made, made.detach().requires_grad_()

    def back(self) -> None:
        """The backward pass of the part that made it."""
        self.made.backward(self.given.grad)


class Step:
    """A model, its optimizer and its crops: the step in one piece, and in parts."""

    def __init__(self, model: ContinuousSR, crops: CropDataset) -> None:
        self.model, self.crops, self.loss = model, crops, nn.L1Loss()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=0.0)  # the weights stay, so that all turns are alike
        crop = {"flip_vertical": True, "flip_horizontal": False, "transpose": True, "seed": 0}
        self.request = BatchRequest(
            (float(SCALE),) * BATCH, tuple(CropRequest(index, 0.5, 0.5, **crop) for index in range(BATCH))
        )

    def whole(self) -> float:
        """One step as `training.SuperResolution` takes it."""
        torch.manual_seed(1)  # the same dropped paths
        batch = self.crops[self.request]
        self.optimizer.zero_grad()
        loss = self.loss(self.model(batch["lr"]).render(scale=batch["scale"]), batch["hr"])
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def split(self, watch: Stopwatch) -> float:
        """The same step, part by part."""
        torch.manual_seed(1)
        model, ddcw = self.model, self.model.ddcw
        batch = watch("loader", lambda: self.crops[self.request])
        watch("optimizer", self.optimizer.zero_grad)
        lr = batch["lr"]
        size = (lr.shape[-2], lr.shape[-1])
        features = Cut(watch("encoder", lambda: model.unshuffle(model.encoder(lr))))
        active = Cut(watch("encoder", lambda: model.activation(features.given)))
        colors = Cut(watch("color", lambda: model.cgm(features.given.flatten(2).transpose(1, 2), lr)))
        means = Cut(watch("offset", lambda: model.apd(active.given.flatten(2).transpose(1, 2), size)))
        queries = Cut(watch("query", lambda: ddcw.query(active.given).flatten(2).transpose(1, 2)))
        keys = Cut(watch("keys", lambda: ddcw.embedding(ddcw.dictionary)))
        rows = Cut(
            watch("weighting", lambda: WeightedRows.apply(queries.given, keys.given, ddcw.dictionary) / model.dictionary_scale)
        )
        image = Cut(watch("splat", lambda: GaussianField(means.given, rows.given, colors.given, size).render(scale=SCALE)))
        loss = watch("loss", lambda: self.loss(image.given, batch["hr"]))
        watch("loss", loss.backward)
        backwards = {
            "splat, backward": image, "weighting, backward": rows, "keys, backward": keys, "query, backward": queries,
            "offset, backward": means, "color, backward": colors, "encoder, backward": active,
        }  # fmt: skip
        for part, cut in backwards.items():
            watch(part, cut.back)
        watch("encoder, backward", features.back)
        watch("optimizer", self.optimizer.step)
        return loss.item()

    def check(self) -> None:
        """Refuses to time parts that do not add up to the step."""
        results = []
        for run in (self.whole, lambda: self.split(Stopwatch())):
            loss = run()
            gradient = torch.cat([parameter.grad.flatten() for parameter in self.model.parameters()])
            results.append((torch.tensor(loss), gradient))
        for whole, split in zip(*results, strict=True):
            error = float((whole - split).norm() / whole.norm())
            if not error < 1e-4:
                raise SystemExit(f"The step in parts differs from the step in one piece by {error:.1e}; expected below 1e-4.")


@torch.inference_mode()
def enlarge(model: ContinuousSR, lr: Tensor, watch: Stopwatch) -> None:
    """One image at SCALE, part by part."""
    size = (lr.shape[-2], lr.shape[-1])
    features = watch("encoder", lambda: model.unshuffle(model.encoder(lr)))
    active = watch("encoder", lambda: model.activation(features))
    means = watch("offset", lambda: model.apd(active.flatten(2).transpose(1, 2), size))
    queries = watch("query", lambda: model.ddcw.query(active).flatten(2).transpose(1, 2))
    keys = watch("keys", lambda: model.ddcw._keys())
    rows = watch("weighting", lambda: WeightedRows.apply(queries, keys, model.ddcw.dictionary) / model.dictionary_scale)
    colors = watch("color", lambda: model.cgm(features.flatten(2).transpose(1, 2), lr))
    watch("splat", lambda: GaussianField(means, rows, colors, size).render(scale=SCALE))


@torch.inference_mode()
def multiply_adds(model: ContinuousSR, lr: Tensor) -> dict[str, float]:
    """Thousands per LR pixel, counted by torch; `keys` does not depend on the image: per image, in thousands too."""
    counts: dict[str, float] = {}

    def count(part: str, work: Callable[[], Any]) -> Any:
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:  # the fused kernel is not counted on CPUs
            result = work()
        done = counter.get_total_flops() / 2
        counts[part] = counts.get(part, 0.0) + done / 1000 / (1 if part == "keys" else lr.shape[-2] * lr.shape[-1])
        return result

    model.eval()  # the keys are counted as for a first image
    enlarge(model, lr, count)
    return counts


def measure(repetitions: int) -> dict[str, dict]:
    """Per model: medians of the whole step, its parts and the parts of an enlargement; multiply-adds."""
    photographs = [read_image(path) for path in training_photographs()]
    degradation = Degradation({"pil": Downscale(rule="pil")})
    crops = CropDataset(photographs, degraded=None, degradation=degradation, patch=PATCH, patch_of="hr")
    steps = {name: Step(composed_model(*overrides), crops) for name, overrides in MODELS.items()}
    lr = torch.rand(1, 3, LR, LR, generator=torch.Generator().manual_seed(0))
    times: dict[str, dict[str, list]] = {name: {"whole": [], "step": [], "enlarge": []} for name in MODELS}
    for name, step in steps.items():
        step.check()
        enlarge(step.model.eval(), lr, Stopwatch())
        print(f"{name}: the parts add up to the step")
    for _ in range(repetitions):
        for name, step in steps.items():
            parts, image = Stopwatch(), Stopwatch()
            step.model.train()
            start = time.perf_counter()
            step.whole()
            times[name]["whole"].append(1000 * (time.perf_counter() - start))
            step.split(parts)
            times[name]["step"].append(parts.milliseconds)
            step.model.eval()
            enlarge(step.model, lr, Stopwatch())  # training forgot the keys
            enlarge(step.model, lr, image)
            times[name]["enlarge"].append(image.milliseconds)
    return {
        name: {
            "parameters": sum(parameter.numel() for parameter in steps[name].model.parameters()),
            "whole_step_ms": statistics.median(times[name]["whole"]),
            "step_ms": medians(times[name]["step"]),
            "enlarge_ms": medians(times[name]["enlarge"]),
            "multiply_adds_thousands": multiply_adds(steps[name].model, lr),
        }
        for name in MODELS
    }


def medians(turns: list[dict[str, float]]) -> dict[str, float]:
    return {part: statistics.median(turn[part] for turn in turns) for part in turns[0]}


def markdown(models: dict[str, dict], made_by: str, repetitions: int) -> str:
    names = list(models)
    step_rows = []
    for part in PARTS:
        both = [[model["step_ms"][part], model["step_ms"].get(f"{part}, backward")] for model in models.values()]
        step_rows.append([part, *(" + ".join(figure(ms) for ms in pair if ms is not None) for pair in both)])
    step_rows.append(["sum of the parts", *(figure(sum(model["step_ms"].values())) for model in models.values())])
    step_rows.append(["the step in one piece", *(figure(model["whole_step_ms"]) for model in models.values())])
    image_parts = [part for part in PARTS if part in next(iter(models.values()))["enlarge_ms"]]
    image_rows = [[part, *(figure(model["enlarge_ms"][part]) for model in models.values())] for part in image_parts]
    image_rows.append(["sum", *(figure(sum(model["enlarge_ms"].values())) for model in models.values())])
    counted = [part for part in image_parts if part not in ("splat", "keys")]
    count_rows = [[part, *(figure(model["multiply_adds_thousands"][part]) for model in models.values())] for part in counted]
    heads = [sum(model["multiply_adds_thousands"][part] for part in counted if part != "encoder") for model in models.values()]
    count_rows.append(["all heads", *map(figure, heads)])
    count_rows.append(["keys, per image", *(figure(model["multiply_adds_thousands"]["keys"]) for model in models.values())])
    millions = [f"{name} ({model['parameters'] / 1e6:.1f} M)" for name, model in models.items()]
    return "\n\n".join(
        [
            f"{made_by}; medians of {repetitions} turns.",
            f"One training step, {BATCH} crops of {PATCH} x {PATCH} at x{SCALE}, milliseconds, forward + backward:",
            markdown_table(("part", *millions), step_rows, text_columns=1),
            f"One image of {LR} x {LR} at x{SCALE} without gradients, milliseconds:",
            markdown_table(("part", *names), image_rows, text_columns=1),
            f"Multiply-adds per LR pixel, thousands, counted by torch at {LR} x {LR}:",
            markdown_table(("part", *names), count_rows, text_columns=1),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Splits a training step and an enlargement; rewrites the README tables.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: a rough answer")
    quick = parser.parse_args().quick
    repetitions = 3 if quick else 9
    models = measure(repetitions)
    command = "python benchmarks/step.py" + " --quick" * quick
    made_by = write_results("step", command, repetitions=repetitions, models=models)
    text = markdown(models, made_by, repetitions)
    print(text)
    write_section("step", text)


if __name__ == "__main__":
    main()
