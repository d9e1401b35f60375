"""What one picture costs from the command line, start to end: processor seconds beside those that importing torch alone takes.

    python benchmarks/command.py            # best of 5, alternating; half a minute

A picture of 300x200 pixels, x3.7, with the model that comes along. The first run fills the cache of compiled loops and is not
counted. Writes its table in benchmarks/README.md.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from section import figure, write_results, write_section
from splatsr.disk.markdown import markdown_table

SIZE, SCALE = (200, 300), 3.7


def commands(folder: Path) -> dict[str, list[str]]:
    """By their names in the table."""
    upscale = ["-m", "splatsr", "upscale", "photo.png", "--scale", str(SCALE), "--existing", "overwrite"]
    settings = ["job=upscale", "checkpoint=tiny", "input=photo.png", "output=big.png", f"scale={SCALE}", "existing=overwrite"]
    return {
        "import torch": ["-c", "import torch"],
        "splatsr --help": ["-m", "splatsr", "--help"],
        "splatsr upscale --model bicubic": [*upscale, "--model", "bicubic"],
        "splatsr upscale": upscale,
        "splatsr job=upscale": ["-m", "splatsr", *settings],
    }


def seconds(command: list[str], folder: Path) -> tuple[float, float]:
    """(processor, elapsed) of one run."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), os.times().elapsed
    subprocess.run([sys.executable, *command], cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, os.times().elapsed - start


def main() -> None:
    parser = argparse.ArgumentParser(description="Times commands; rewrites the README's table.")
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
        picture = np.stack([127 + 100 * np.sin(x / (5 + c)) * np.cos(y / 7) for c in range(3)], -1)
        Image.fromarray(picture.astype(np.uint8)).save(folder / "photo.png")
        runs: dict[str, list[tuple[float, float]]] = {title: [] for title in commands(folder)}
        for turn in range(arguments.repetitions + 1):
            for title, command in commands(folder).items():
                taken = seconds(command, folder)
                if turn:
                    runs[title].append(taken)
    best = {title: tuple(min(one[k] for one in taken) for k in (0, 1)) for title, taken in runs.items()}
    rows = [[f"`{title}`", figure(spent), figure(elapsed)] for title, (spent, elapsed) in best.items()]
    made_by = write_results(
        "command",
        f"python benchmarks/command.py --repetitions {arguments.repetitions}",
        seconds={title: {"processor": spent, "elapsed": elapsed} for title, (spent, elapsed) in best.items()},
    )
    table = markdown_table(["command", "processor s", "elapsed s"], rows, text_columns=1)
    write_section("command", f"{made_by}; the least of each.\n\n{table}")
    print(table)


if __name__ == "__main__":
    main()
