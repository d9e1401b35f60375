"""Whether memory grows in a process that lives long: renders and upscales of random sizes, for two hours.

    nice python benchmarks/soak.py                # 2 hours
    python benchmarks/soak.py --minutes 10

Half of the turns encode an image of 16 to 128 pixels a side and render it three times between x1 and x8; the others enlarge
PNG, JPEG, TIFF and WebP files of 8 to 160 pixels a side by job=upscale, with and without alpha, to any of these formats. The
memory that is resident is read after every turn. Writes its table in docs/reliability.md, and benchmarks/results/soak.json
as it goes.
"""

import argparse
import contextlib
import io
import json
import random
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import torch
from PIL import Image

from section import HERE, RELIABILITY, write_results, write_section
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import save_model
from splatsr.disk.markdown import markdown_table
from splatsr.jobs.upscale import upscale
from splatsr.runs.configuration import compose

SUFFIXES = (".png", ".jpg", ".tif", ".webp")


class Soak:
    """What a turn is.

    Args:
        folder: for the files.
        seed: of the sizes, scales and formats.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random = folder, random.Random(seed)
        config = compose("model=continuoussr_tiny")["model"]
        self.model, self.file = build(config).eval(), folder / "model.safetensors"
        save_model(self.model, config, self.file)
        self.process = psutil.Process()

    def turn(self) -> float:
        """One turn; returns the process's resident memory after it, MiB."""
        self._render() if self.random.random() < 0.5 else self._upscale()
        return self.process.memory_info().rss / 2**20

    @torch.inference_mode()
    def _render(self) -> None:
        field = self.model(torch.rand(1, 3, self.random.randint(16, 128), self.random.randint(16, 128)))
        for _ in range(3):
            field.render(scale=self.random.uniform(1, 8))

    def _upscale(self) -> None:
        source = self.folder / f"source{self.random.choice(SUFFIXES)}"
        target = self.folder / f"target{self.random.choice(SUFFIXES)}"
        mode = self.random.choice(["RGB", "L", "RGBA"]) if source.suffix != ".jpg" else "RGB"
        size = (self.random.randint(8, 160), self.random.randint(8, 160), 4)
        pixels = np.random.default_rng(self.random.randint(0, 2**31)).integers(0, 256, size, np.uint8)
        Image.fromarray(pixels).convert(mode).save(source)
        target.unlink(missing_ok=True)
        scale = round(self.random.uniform(1, 6), 2)
        wanted = {
            "input": str(source),
            "output": str(target),
            "existing": None,
            "format": None,
            "suffix": None,
            "quality": None,
            "fit": None,
            "scale": scale,
            "size": None,
            "tile": "auto",
        }
        with contextlib.redirect_stdout(io.StringIO()):
            upscale(model={}, checkpoint=str(self.file), device="cpu", **wanted)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Renders and upscales for a long time in one process; rewrites the docs' table."
    )
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    memory: list[float] = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        soak, told = Soak(Path(folder), arguments.seed), 0
        while (minutes := (time.monotonic() - begun) / 60) < arguments.minutes:
            memory.append(soak.turn())
            if minutes >= told:
                told += 1
                print(f"{minutes:.0f} minutes, {len(memory)} turns, {memory[-1]:.0f} MiB", flush=True)
                (HERE / "results/soak.json").write_text(json.dumps({"minutes": minutes, "memory_mib": memory[::100]}))
    tenths = [memory[len(memory) * k // 10 : len(memory) * (k + 1) // 10] for k in range(10)]
    rows = [[f"{k + 1}", *(f"{of(tenth):.0f}" for of in (min, statistics.median, max))] for k, tenth in enumerate(tenths)]
    command = f"python benchmarks/soak.py --minutes {arguments.minutes:g} --seed {arguments.seed}"
    made_by = write_results("soak", command, turns=len(memory), memory_mib=memory[:: max(1, len(memory) // 1000)])
    growth = statistics.median(tenths[9]) - statistics.median(tenths[1])
    text = (
        f"{made_by}; {len(memory):,} turns in {arguments.minutes:g} minutes, resident memory in MiB.\n\n"
        f"{markdown_table(['tenth of the time', 'least', 'median', 'most'], rows, text_columns=1)}\n\n"
        f"From the second tenth to the last the median changed by {growth:+.0f} MiB."
    )
    print(text)
    write_section("soak", text, RELIABILITY)


if __name__ == "__main__":
    main()
