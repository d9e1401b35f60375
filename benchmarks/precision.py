"""Encoding in bfloat16 against float32: what it saves, and by how many levels it moves pixels.

    python benchmarks/precision.py FOLDER       # of photographs; two minutes on a processor that has bfloat16

Times are medians of encoding one LR image of 48x48, in turns. Levels are those of 255 between the images at x4 of crops
from the middle of all photographs (the first 12 for transformers), resized by PIL. Writes its table in the README beside it.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

import splatsr
from composed_model import composed_model
from section import figure, write_results, write_section
from splatsr.disk.markdown import markdown_table
from splatsr.image.model import Model
from splatsr.image.precision import has_bfloat16
from splatsr.image_files.folder import find_images
from splatsr.image_files.reading import read_image
from splatsr.resize.levels import to_tensor
from splatsr.resize.pil import resize_bicubic

SIDE, SCALE = 48, 4

MODELS = {
    "light heads, EDSR-baseline": ["model=continuoussr_light"],
    "published heads, EDSR-baseline": ["model=continuoussr"],
    "published heads, SwinIR": ["model=continuoussr", "model/encoder=swinir"],
    "published heads, HAT": ["model=continuoussr", "model/encoder=hat"],
}


def crops(folder: str) -> Tensor:
    """The middle of every photograph, 8 x SIDE HR pixels wide, at half its size in LR pixels; (photographs, 3, SIDE, SIDE)."""
    images = []
    for path in find_images(Path(folder)):
        photograph = read_image(path)
        top, left = ((length - 2 * SIDE) // 2 for length in photograph.shape[:2])
        images.append(to_tensor(resize_bicubic(photograph[top : top + 2 * SIDE, left : left + 2 * SIDE], (SIDE, SIDE))))
    return torch.stack(images)


def medians(turns: dict[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    """Milliseconds of each, in turns, after one call that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in turns}
    for turn in range(repetitions + 1):
        for name, call in turns.items():
            start = time.perf_counter()
            call()
            if turn:
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def measure(name: str, model: Model, images: Tensor) -> dict[str, object]:
    """One row of the table."""

    def encode(precision: torch.dtype) -> None:
        model.precision = precision
        model(images[:1])

    turns = {"float32": lambda: encode(torch.float32), "bf16": lambda: encode(torch.bfloat16)}
    is_slow = not model.encoder.tiling.exact  # transformers
    times = medians(turns, repetitions=5 if is_slow else 15)
    off = []
    for image in images[: 12 if is_slow else None, None]:
        rendered = []
        for model.precision in (torch.float32, torch.bfloat16):
            rendered.append(model(image).render(scale=SCALE))
        off.append(255 * (rendered[0] - rendered[1]).abs())
    levels = torch.stack(off)
    return {
        "model": name,
        **{f"{key}_ms": value for key, value in times.items()},
        "crops": len(levels),
        "most_levels": levels.max().item(),
        "mean_levels": levels.mean().item(),
    }


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description="Times half precision; rewrites the README's table.")
    parser.add_argument("folder", help="of photographs")
    arguments = parser.parse_args()
    if not has_bfloat16(torch.device("cpu")):
        raise SystemExit("this processor has no bfloat16: there is nothing to measure.")
    images = crops(arguments.folder)
    rows = [measure("tiny, trained", splatsr.load("tiny"), images)]
    rows += [measure(name, composed_model(*settings).eval(), images) for name, settings in MODELS.items()]
    metasr = composed_model("model=metasr").eval()
    single = medians({"ms": lambda: metasr(images[:1]).render(scale=SCALE)}, 7)["ms"]
    command = "python benchmarks/precision.py FOLDER"
    made_by = write_results("precision", command, folder=Path(arguments.folder).name, metasr_x4_ms=single, rows=rows)
    headings = (
        "model", "float32, ms", "bf16, ms", "float32 / bf16", "Meta-SR x4 / float32", "Meta-SR x4 / bf16",
        "largest difference, levels", "mean, levels", "crops",
    )  # fmt: skip
    cells = [
        [
            str(row["model"]), figure(row["float32_ms"]), figure(row["bf16_ms"]), figure(row["float32_ms"] / row["bf16_ms"]),
            figure(single / row["float32_ms"]),
            figure(single / row["bf16_ms"]), figure(row["most_levels"]), figure(row["mean_levels"]), str(row["crops"]),
        ]
        for row in rows
    ]  # fmt: skip
    text = f"{made_by}; medians. Meta-SR on EDSR-baseline at x4, encoding and rendering: {figure(single)} ms."
    write_section("precision", f"{text}\n\n{markdown_table(headings, cells, text_columns=1)}")
    print(text, markdown_table(headings, cells, text_columns=1), sep="\n")


if __name__ == "__main__":
    main()
