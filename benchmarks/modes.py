"""Draws docs/rendering.png: one field below x4 in four render modes, beside the photograph that it should show.

    python run.py experiment=quickstart
    python benchmarks/modes.py outputs/train/quickstart/<time>/model.safetensors

The low-resolution image is a detail of an embedded photograph that training did not see, reduced four times. Writes the
picture, docs/results/rendering.json, and prints the table that docs/rendering.md shows.
"""

import argparse
import json
import sys
from pathlib import Path

import matplotlib.figure
import torch

from splatsr.checkpoints.files import load_model
from splatsr.data.photos import held_out_photographs
from splatsr.image_files.reading import read_image
from splatsr.metrics.figure import scale_name
from splatsr.resize.levels import to_tensor, to_uint8
from splatsr.resize.pil import resize_bicubic

DOCS = Path(__file__).parents[1] / "docs"
SCALES = [1, 1.5, 2, 2.5, 3.3]
MODES = ["first256", "exact", "footprint", "supersample"]

TOP, LEFT, SIDE = 0, 96, 240
"""The detail of the photograph, in its pixels; a quarter of SIDE is the low-resolution side."""


def psnr(image: torch.Tensor, truth: torch.Tensor) -> float:
    """dB over all three channels, clamped to [0, 1]."""
    return -10 * float((image.clamp(0, 1) - truth.clamp(0, 1)).square().mean().log10())


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws docs/rendering.png and prints the table of docs/rendering.md.")
    parser.add_argument("checkpoint", help="model.safetensors of experiment=quickstart")
    photograph = read_image(held_out_photographs()["photos"][0])[TOP : TOP + SIDE, LEFT : LEFT + SIDE]
    with torch.inference_mode():
        field = load_model(parser.parse_args().checkpoint)(to_tensor(resize_bicubic(photograph, (SIDE // 4, SIDE // 4)))[None])
        images = {scale: {mode: field.render(scale=scale, mode=mode)[0] for mode in MODES} for scale in SCALES}
    for row in images.values():
        height, width = row["exact"].shape[1:]
        row["photograph"] = to_tensor(resize_bicubic(photograph, (height, width)))
    draw(images, DOCS / "rendering.png")
    results = {
        truth: {
            mode: {scale_name(s): psnr(row[mode], row[truth]) for s, row in images.items()} for mode in MODES if mode != truth
        }
        for truth in ("supersample", "photograph")
    }
    (DOCS / "results" / "rendering.json").write_text(json.dumps(results, indent=2) + "\n")
    for truth, rows in results.items():
        lines = [f"| PSNR in dB against {truth} | {' | '.join(map(scale_name, SCALES))} |", "|---" * (len(SCALES) + 1) + "|"]
        lines += [f"| `{mode}` | {' | '.join(f'{value:.2f}' for value in row.values())} |" for mode, row in rows.items()]
        sys.stdout.write("\n".join(lines) + "\n\n")


def draw(images: dict[float, dict[str, torch.Tensor]], path: Path) -> None:
    """One column for every scale, one row for every mode; pixels are shown as squares, all images at one size."""
    rows = [*MODES, "photograph"]
    figure = matplotlib.figure.Figure(figsize=(2.5 * len(images), 2.55 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(images))
    for column, (scale, row) in enumerate(images.items()):
        for axis, name in zip(axes[:, column], rows, strict=True):
            axis.imshow(to_uint8(row[name]), interpolation="nearest")
            axis.set_xticks([])
            axis.set_yticks([])
            if column == 0:
                axis.set_ylabel(name, fontsize=12)
        axes[0, column].set_title(f"{scale_name(scale)}: {row['exact'].shape[2]} x {row['exact'].shape[1]}", fontsize=12)
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main()
