"""Times training crops from decoded images that are mapped into memory against decoding the PNG for every crop, in one run.

    python benchmarks/loader.py            # a minute or two; --quick for a rough answer

Writes the table in benchmarks/README.md and benchmarks/results/loader.json. The photographs are the embedded ones, enlarged to
2040 x 1356 pixels and grained with noise, so that their PNGs compress as little as photographs of that size do. Both ways use
the same loader, one worker and the same requests, take turns, and must give the same crops, bit by bit. Figures are medians
of wall-clock rates.
"""

import argparse
import datetime
import json
import logging
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import PIL
import torch
from torch.utils.data import DataLoader

from section import write_section
from splatsr.data.batch_sampler import BatchSampler
from splatsr.data.crops import CropDataset, cut
from splatsr.data.decoded import DecodedFolder
from splatsr.data.degradation.chain import Degradation
from splatsr.data.degradation.downscale import Downscale
from splatsr.data.image_sequences import EncodedImages, MappedImages
from splatsr.data.photos import training_photographs
from splatsr.image_files.folder import find_parts
from splatsr.image_files.reading import read_image
from splatsr.image_files.writing import write_image
from splatsr.resize.levels import to_tensor
from splatsr.resize.pil import resize_bicubic
from splatsr.runs.machine import processor

HERE = Path(__file__).parent
SIZE = 1356, 2040
"""Of DIV2K's typical photograph: height, width."""

PATCH, SCALES, BATCH = 256, (4.0, 8.0), 16
"""ContinuousSR's training: HR crop, scale per batch, crops on each of its devices."""


def make_photographs(folder: Path) -> None:
    """Seven PNGs; the grain is what enlarging takes away."""
    for index, path in enumerate(training_photographs()):
        image = resize_bicubic(read_image(path), SIZE)
        grain = np.random.default_rng(index).normal(0, 3, image.shape)
        write_image(folder / f"{index}.png", (image + grain).clip(0, 255).round().astype(np.uint8))


def decode(folder: Path, cache: Path) -> MappedImages:
    """The mapped images."""
    (part,) = find_parts(folder)
    one = DecodedFolder(part, cache)
    for _ in one.decode(smallest=PATCH, skip_damaged=False):
        pass
    return MappedImages([(one, one.records())])


def dataset(photographs: Sequence[np.ndarray]) -> CropDataset:
    degradation = Degradation({"pil": Downscale(rule="pil")})
    return CropDataset(photographs, degraded=None, degradation=degradation, patch=PATCH, patch_of="hr")


def requests(batches: int) -> BatchSampler:
    return BatchSampler(
        photographs=7,
        batches=batches,
        batch_size=BATCH,
        scale_range=SCALES,
        scale_distribution="uniform",
        scale_per="batch",
        seed=0,
    )


def check_identical(mapped: CropDataset, encoded: CropDataset, batches: int) -> None:
    """Refuses to time ways that differ."""
    for request in requests(batches):
        one, other = mapped[request], encoded[request]
        if not (torch.equal(one["lr"], other["lr"]) and torch.equal(one["hr"], other["hr"])):
            raise SystemExit("The mapped and the decoded crops differ.")


def rate(crops: CropDataset, batches: int) -> float:
    """Crops per second of a loader with one worker; starting it is not timed, nor is what it has made in advance."""
    loader = iter(DataLoader(crops, batch_size=None, sampler=requests(batches + 3), num_workers=1, prefetch_factor=1))
    next(loader)
    next(loader)
    start = time.perf_counter()
    for _ in range(batches):
        next(loader)
    return batches * BATCH / (time.perf_counter() - start)


def stages(photographs: MappedImages, folder: Path) -> dict[str, float]:
    """Milliseconds that the steps of one crop take, in this process."""
    (request,) = requests(1)
    crop = request.crops[0]
    lr_side, hr_side = 256 // 6, 6 * (256 // 6)
    hr = np.ascontiguousarray(photographs[0][:hr_side, :hr_side])
    return {
        "decode the PNG": milliseconds(lambda: read_image(folder / "0.png"), 5),
        "cut, orient and copy the crop, shrink it": milliseconds(
            lambda: resize_bicubic(cut(photographs[crop.photograph], crop, hr_side), (lr_side, lr_side)), 50
        ),
        "shrink it (PIL), of that": milliseconds(lambda: resize_bicubic(hr, (lr_side, lr_side)), 50),
        "make tensors": milliseconds(lambda: (to_tensor(hr), to_tensor(hr[:lr_side, :lr_side])), 50),
    }


def milliseconds(job: Callable[[], object], repetitions: int) -> float:
    """Median, after one untimed call."""
    job()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        job()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def markdown(results: dict) -> str:
    mapped, encoded = results["mapped_crops_per_s"], results["decoding_crops_per_s"]
    lines = [
        f"Made by `{results['command']}` on {results['date']}: {results['processor']}, {results['cores']} cores, "
        f"torch {results['torch']}, Pillow {results['pillow']}; medians of {results['repetitions']} alternating repetitions.",
        "",
        "| training crops, one worker | crops per second |",
        "| --- | ---: |",
        f"| decoded once, mapped into memory | {mapped:,.0f} |",
        f"| PNG decoded for every crop | {encoded:,.1f} |",
        f"| ratio | {mapped / encoded:.1f} |",
        "",
        "| one crop, step by step | ms |",
        "| --- | ---: |",
        *(f"| {name} | {value:.2f} |" for name, value in results["stages_ms"].items()),
        "",
        f"PNGs: {results['photographs']} of {SIZE[1]} x {SIZE[0]} pixels, {results['png_mb']:.1f} MB on average. PNGs and the "
        "mapped file were in the system's page cache, as they are from the second epoch on wherever memory suffices.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Times training crops, mapped and decoded; rewrites the README table.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: a rough answer")
    quick = parser.parse_args().quick
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    repetitions = 3 if quick else 9
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photographs"
        make_photographs(folder)
        photographs = decode(folder, Path(temporary) / "cache")
        mapped, encoded = dataset(photographs), dataset(EncodedImages(sorted(folder.iterdir()), skip_damaged=False))
        check_identical(mapped, encoded, batches=2)
        turns = []
        for repetition in range(repetitions):
            order = (("mapped", mapped, 40), ("encoded", encoded, 2))[:: 1 if repetition % 2 else -1]
            turns.append(rates := {name: rate(crops, batches) for name, crops, batches in order})
            logging.info("mapped %.0f, decoding %.1f crops/s", rates["mapped"], rates["encoded"])
        results = {
            "command": "python benchmarks/loader.py" + (" --quick" if quick else ""),
            "date": datetime.date.today().isoformat(),
            "processor": processor(), "cores": os.cpu_count(), "python": platform.python_version(),
            "torch": torch.__version__, "pillow": PIL.__version__, "repetitions": repetitions,
            "photographs": len(photographs), "patch": PATCH, "scales": SCALES, "batch_size": BATCH,
            "png_mb": statistics.mean(path.stat().st_size for path in folder.iterdir()) / 1e6,
            "mapped_crops_per_s": statistics.median(turn["mapped"] for turn in turns),
            "decoding_crops_per_s": statistics.median(turn["encoded"] for turn in turns),
            "turns": turns,
            "stages_ms": stages(photographs, folder),
        }  # fmt: skip
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "loader.json").write_text(json.dumps(results, indent=2) + "\n")
    write_section("loader", markdown(results))


if __name__ == "__main__":
    main()
