"""Upscales an image of 6 megapixels to 96 with the tiny model, from the command line to the file: seconds and peak memory.

    python benchmarks/large.py            # minutes

Writes the table in benchmarks/README.md and benchmarks/results/large.json. The weights are random: they cost what trained
ones do.
"""

import argparse
import datetime
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage.data import astronaut

from section import figure, write_section
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import save_model
from splatsr.runs.configuration import compose
from splatsr.runs.machine import processor

HERE = Path(__file__).parent
WIDTH, HEIGHT, SCALE = 3000, 2000, 4


def save_tiny(path: Path) -> int:
    """Saves the tiny model with random weights; returns the number of its parameters."""
    config = compose("model=continuoussr_tiny")["model"]
    torch.manual_seed(0)
    model = build(config)
    save_model(model, config, path)
    return sum(parameter.numel() for parameter in model.parameters())


def save_photo(path: Path) -> None:
    """A photograph, mirrored at its sides until it fills the image."""
    photo = astronaut()
    grown = [(0, wanted - side) for wanted, side in zip((HEIGHT, WIDTH), photo.shape[:2], strict=True)]
    Image.fromarray(np.pad(photo, [*grown, (0, 0)], mode="symmetric")).save(path)


def measure(folder: Path) -> dict:
    """Runs job=upscale in a process of its own, and reads off what it took."""
    parameters = save_tiny(folder / "tiny.safetensors")
    save_photo(folder / "photo.png")
    command = [
        sys.executable, str(HERE.parent / "run.py"), "job=upscale", f"checkpoint={folder / 'tiny.safetensors'}", "device=cpu",
        f"input={folder / 'photo.png'}", f"output={folder / 'big.png'}", f"scale={SCALE}", f"hydra.run.dir={folder / 'run'}",
    ]  # fmt: skip
    start = time.perf_counter()
    subprocess.run(command, check=True)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(folder / "big.png") as big:
        if big.size != (SCALE * WIDTH, SCALE * HEIGHT):
            raise SystemExit(f"The result is {big.size} pixels large, expected {SCALE * WIDTH, SCALE * HEIGHT}.")
    return {
        "lr": [HEIGHT, WIDTH], "scale": SCALE, "parameters": parameters, "seconds": seconds,
        "processor_seconds": used.ru_utime + used.ru_stime, "peak_rss_bytes": 1024 * used.ru_maxrss,
        "file_bytes": (folder / "big.png").stat().st_size,
    }  # fmt: skip


def markdown(results: dict) -> str:
    """The README section: how it was made, and the table."""
    height, width = results["lr"]
    output = f"{width * results['scale']} x {height * results['scale']}"
    cells = [
        f"{width} x {height}", output, figure(results["seconds"]), figure(results["processor_seconds"]),
        figure(results["peak_rss_bytes"] / 2**30), figure(results["file_bytes"] / 2**20),
    ]  # fmt: skip
    return "\n".join(
        [
            f"Made by `{results['command']}` on {results['date']}: {results['processor']}, {results['cores']} cores, "
            f"{results['threads']} threads, torch {results['torch']}; one run.",
            "",
            "| input | output | seconds | processor seconds | peak resident memory, GiB | PNG file, MiB |",
            "| --- | --- | ---: | ---: | ---: | ---: |",
            f"| {' | '.join(cells)} |",
        ]
    )


def main() -> None:
    argparse.ArgumentParser(description="Times job=upscale on 6 megapixels, x4; rewrites the README table.").parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder))
    results = {
        "command": "python benchmarks/large.py", "date": datetime.date.today().isoformat(),
        "processor": processor(), "cores": os.cpu_count(), "threads": torch.get_num_threads(), "torch": torch.__version__,
        **measured,
    }  # fmt: skip
    (HERE / "results" / "large.json").write_text(json.dumps(results, indent=2) + "\n")
    write_section("large", markdown(results))
    time_text = f"{measured['seconds']:.0f} s ({measured['processor_seconds']:.0f} s of processors)"
    sys.stdout.write(f"{time_text}, {measured['peak_rss_bytes'] / 2**30:.2f} GiB at the peak\n")


if __name__ == "__main__":
    main()
