"""Times fitting kernels to crops in batches against one crop at a time, also with the dense reference, in one run.

    python benchmarks/prior.py            # a minute or two; --quick for a rough answer

Writes the table in benchmarks/README.md and benchmarks/results/prior.json. Crops are of the embedded photographs, the recipe is
conf/prior/dgp.yaml's, stopped after a few steps. The contenders take turns; figures are medians of wall-clock times. Where a
GPU is there, a batch of larger crops is timed on it too, and the hours for ContinuousSR's 40 000 images follow from that;
elsewhere they are estimated from the arithmetic.
"""

import argparse
import math
import statistics
import time

import torch
from hydra.utils import instantiate

from section import figure, write_results, write_section
from splatsr.data.photos import training_photographs
from splatsr.disk.markdown import markdown_table
from splatsr.prior.crops import Crops, read_crop
from splatsr.prior.fitting import Fitting
from splatsr.runs.configuration import compose
from splatsr.splatting.reference import CUT, splat_exact

SIDE, BATCH = 64, 8
LARGE = 256
"""Side of the crops of ContinuousSR's collection: not published, but its models are trained on such crops."""

IMAGES, STEPS, PAPER_HOURS = 40_000, 50_000, 700
"""ContinuousSR, section 4.2 and appendix A.4: images, GPU hours; steps: GaussianImage's recipe."""

FLOP, CANDIDATES, SUSTAINED = 70, 170, 10e12
"""For the estimate without a GPU: operations per kernel and pixel inside its cut (24 and 45 in loops.py), pairs per
pixel that a rasteriser with tiles of 16 pixels looks at in place of those, operations a second that a GPU keeps up."""


class DenseFitting(Fitting):
    """The same optimisation through the dense reference."""

    render = staticmethod(splat_exact)


def recipe(steps: int) -> dict:
    """The arguments of the prior's `Fitting`, with so many steps."""
    return compose("job=fit_prior", f"prior.fitting.steps={steps}")["prior"]["fitting"]


def seconds_per_crop_step(fitting: Fitting, images: torch.Tensor, *, batch: int) -> tuple[float, float]:
    """Wall-clock seconds per crop and step, and the mean PSNR at the end."""
    start, quality = time.perf_counter(), []
    for first in range(0, len(images), batch):
        quality.append(fitting.fit(images[first : first + batch], range(first, min(first + batch, len(images))))[1])
    return (time.perf_counter() - start) / (len(images) * fitting.steps), torch.cat(quality).mean().item()


def pairs_per_pixel(fitting: Fitting, images: torch.Tensor) -> float:
    """Kernels whose cut ellipse a pixel lies in, on average; the image's border ignored."""
    field, _ = fitting.fit(images, range(len(images)))
    areas = 2 * math.pi * CUT * (field.cholesky[..., 0] * field.cholesky[..., 2]).abs()
    return float(areas.sum() / (len(images) * SIDE * SIDE))


def gpu_seconds_per_crop_step(settings: dict) -> float | None:
    """Of a batch of 64 large crops, None without a CUDA device. (The crops are noise: kernels begin the same way.)"""
    if not torch.cuda.is_available():
        return None
    images = torch.rand(64, 3, LARGE, LARGE, device="cuda")
    times = []
    for steps in (2, 20, 120):  # the first compiles, the difference of the others is steps alone
        torch.cuda.synchronize()
        start = time.perf_counter()
        instantiate({**settings, "steps": steps}).fit(images, range(64))
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return (times[2] - times[1]) / 100 / 64


def hours(settings: dict, pairs: float, batched: float) -> tuple[dict, str]:
    """GPU hours for the paper's collection, and their basis in words."""
    image_steps = IMAGES * STEPS
    if (measured := gpu_seconds_per_crop_step(settings)) is not None:
        total = image_steps * measured / 3600
        basis = f"measured on {torch.cuda.get_device_name()}: {1e6 * measured:.1f} us per crop of {LARGE}x{LARGE} and step"
        return {"gpu_hours": total, "basis": basis}, f"{figure(total)} GPU hours ({basis})"
    low, high = (image_steps * LARGE**2 * count * FLOP / SUSTAINED / 3600 for count in (pairs, CANDIDATES))
    cores = image_steps * batched * (LARGE / SIDE) ** 2 / 3600
    basis = (
        f"an estimate, not measured on a GPU: {image_steps:.0e} image steps at {LARGE}x{LARGE}, {FLOP} operations per pair of "
        f"a kernel and a pixel, forward and backward, {SUSTAINED / 1e12:.0f} Tflop/s kept up; {pairs:.1f} pairs per pixel, as "
        f"in the fits here, if kernels visit their own pixels only, {CANDIDATES} with tiles of 16 pixels"
    )
    text = f"{figure(low)} to {figure(high)} GPU hours ({basis}); batched as above on a CPU, {figure(cores)} core hours"
    return {"gpu_hours": [low, high], "core_hours": cores, "basis": basis}, text


def main() -> None:
    parser = argparse.ArgumentParser(description="Times batched fitting against one crop at a time; rewrites the README table.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: a rough answer")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    settings = recipe(20 if quick else 40)
    crops = Crops(training_photographs(), count=BATCH, side=SIDE, seed=0, skip_damaged=False)
    images = torch.stack([read_crop(crop, SIDE) for crop in crops.chosen])
    ours: Fitting = instantiate(settings, _convert_="all")
    dense = DenseFitting(**{key: value for key, value in settings.items() if key != "_target_"})
    contenders = {
        "batched": (ours, images, BATCH),
        "one by one": (ours, images, 1),
        "one by one, dense": (dense, images[:2], 1),  # each crop takes as long as the others
    }
    instantiate({**settings, "steps": 1}).fit(images, range(BATCH))  # compiles
    turns = []
    for _ in range(3 if quick else 7):
        found = {name: seconds_per_crop_step(*what, batch=batch) for name, (*what, batch) in contenders.items()}
        same = [seconds_per_crop_step(ours, images[:2], batch=2)[1], found["one by one, dense"][1]]
        if max(same) - min(same) > 0.01 or abs(found["batched"][1] - found["one by one"][1]) > 0.01:
            raise SystemExit(f"The contenders end at different PSNR: {found}, {same}.")
        turns.append({name: one for name, (one, _) in found.items()})
    times = {name: statistics.median(turn[name] for turn in turns) for name in contenders}
    ratio = times["one by one, dense"] / times["batched"]
    estimate, text = hours(settings, pairs_per_pixel(instantiate({**settings, "steps": 500}), images), times["batched"])
    made = write_results(
        "prior",
        "python benchmarks/prior.py" + (" --quick" if quick else ""),
        side=SIDE, batch=BATCH, steps=settings["steps"], seconds_per_crop_step=times, dense_over_batched=ratio, turns=turns,
        paper={"images": IMAGES, "steps": STEPS, "gpu_hours": PAPER_HOURS}, estimate=estimate,
    )  # fmt: skip
    rows = [[name, figure(1e3 * one), figure(one / times["batched"])] for name, one in times.items()]
    lines = [
        f"{made}; {SIDE}x{SIDE} pixels, {settings['kernels_per_pixel']:g} kernels per pixel, {settings['steps']} steps of "
        f"{settings['optimizer']}; medians of {len(turns)} turns.",
        "",
        markdown_table(["crops", "ms per crop and step", "over batched"], rows, text_columns=1),
        "",
        f"The bar, 5 times over one by one and dense, is {'reached' if ratio >= 5 else 'missed'}.",
        "",
        f"ContinuousSR's collection ({IMAGES} images, over {PAPER_HOURS} GPU hours in the paper, {STEPS} steps): {text}.",
    ]
    write_section("prior", "\n".join(lines))


if __name__ == "__main__":
    main()
