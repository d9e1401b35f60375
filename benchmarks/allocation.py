"""Kernels where they are needed: what quality costs in kernels and in time when flat surroundings get fewer of them.

    python benchmarks/allocation.py KODAK MODEL [MODEL ...]     # names or files of models; LR images are PIL's, x4

A model with several kernels per pixel is measured without merging and with the rule `model/flat_pixels=merged` at rising
thresholds, whatever it was trained with; one with a single kernel per pixel as it is. Writes docs/allocation.md and
docs/allocation.png.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib.figure
import torch

import splatsr
from section import HERE, write_results, write_section
from splatsr.disk.markdown import markdown_table
from splatsr.heads.flat_pixels import FlatPixels
from splatsr.image.field import GaussianField
from splatsr.image.psnr import psnr
from splatsr.image_files.folder import find_images
from splatsr.image_files.reading import read_image
from splatsr.metrics.protocol import Protocol
from splatsr.pictures.drawing import save_drawing
from splatsr.resize.levels import to_tensor
from splatsr.resize.pil import resize_bicubic
from splatsr.runs.configuration import compose, instantiate

DOCS = HERE.parent / "docs"

SCALE = 4

THRESHOLDS = (0.01, 0.02, 0.03, 0.05, 0.08, 0.15, 1.0)
"""Of `FlatPixels`, of values in [0, 1]; 1: one kernel everywhere."""

REACH = 2


@torch.inference_mode()
def measured(model: torch.nn.Module, pairs: list[tuple[torch.Tensor, torch.Tensor]], protocol: Protocol) -> dict[str, float]:
    """Means over the images: PSNR-Y, kernels per LR pixel, milliseconds of encoder with heads, and of rendering."""
    rows = []
    for lr, hr in pairs:
        field = model(lr)
        image = field.render(size=hr.shape[-2:])[0]
        rows.append(
            {
                "psnr_y": float(psnr(protocol.prepare(image, SCALE), protocol.prepare(hr, SCALE))),
                "kernels": kernels(field) / lr[0, 0].numel(),
                "encode_ms": milliseconds(lambda lr=lr: model(lr)),
                "render_ms": milliseconds(lambda field=field, hr=hr: field.render(size=hr.shape[-2:])),
            }
        )
    return {name: statistics.mean(row[name] for row in rows) for name in rows[0]}


def kernels(field: GaussianField) -> int:
    """Those that are not empty and lie within the image, not on its margin."""
    inner = field.crop(rows=(0, field.size[0]), columns=(0, field.size[1]))
    return int((inner.cholesky[..., 0] != 0).sum())


def milliseconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(4):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times[1:])


def draw(rows: list[dict], path: Path) -> None:
    figure = matplotlib.figure.Figure(figsize=(9, 3.6), layout="constrained")
    for axis, key, label in zip(
        figure.subplots(1, 2), ("kernels", "render_ms"), ("kernels per LR pixel", "rendering, ms"), strict=True
    ):
        for name in dict.fromkeys(row["model"] for row in rows):
            own = [row for row in rows if row["model"] == name]
            axis.plot([row[key] for row in own], [row["psnr_y"] for row in own], "o-", label=name)
        axis.set_xlabel(label)
        axis.set_ylabel("PSNR-Y, dB")
        axis.grid(alpha=0.3)
        axis.legend()
    save_drawing(figure, path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures merged kernels; rewrites docs/allocation.md.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="+")
    arguments = parser.parse_args()
    protocol = instantiate(compose("protocol=l_pil")["protocol"], "protocol")
    pairs = []
    for path in find_images(arguments.folder):
        hr = read_image(path)
        height, width = (length // SCALE * SCALE for length in hr.shape[:2])
        hr = hr[:height, :width]
        pairs.append((to_tensor(resize_bicubic(hr, (height // SCALE, width // SCALE)))[None], to_tensor(hr)))
    rows: list[dict] = []
    for name in arguments.models:
        model = splatsr.load(name)
        rules = [None, *(FlatPixels(threshold=threshold, reach=REACH) for threshold in THRESHOLDS)]
        for rule in rules if model.per_side > 1 else [None]:
            model.flat_pixels = rule
            threshold = None if rule is None else rule.threshold
            rows.append({"model": Path(name).stem, "threshold": threshold, **measured(model, pairs, protocol)})
            print(rows[-1], flush=True)
    draw(rows, DOCS / "allocation.png")
    shown = " ".join(Path(name).stem for name in arguments.models)
    made_by = write_results("allocation", f"python benchmarks/allocation.py {arguments.folder.name} {shown}", rows=rows)
    headings = ["model", "threshold", "PSNR-Y", "kernels per LR pixel", "encoder and heads, ms", "rendering, ms"]
    cells = [
        [
            *(row["model"], "no merging" if row["threshold"] is None else f"{row['threshold']:g}", f"{row['psnr_y']:.2f}"),
            *(f"{row['kernels']:.2f}", f"{row['encode_ms']:.0f}", f"{row['render_ms']:.1f}"),
        ]
        for row in rows
    ]
    write_section(
        "allocation",
        f"{made_by}; {len(pairs)} images.\n\n{markdown_table(headings, cells, text_columns=2)}",
        DOCS / "allocation.md",
    )


if __name__ == "__main__":
    main()
