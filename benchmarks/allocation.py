"""Kernels where they are needed: what quality costs in kernels and in time when flat surroundings get fewer of them.

    python benchmarks/allocation.py KODAK MODEL [MODEL ...] --plain MODEL [MODEL ...]     # LR images are PIL's, x4

Models are names or files. The first ones are measured without merging and with the rule `model/flat_pixels=merged` at rising
thresholds, whatever they were trained with; the others without. What results/allocation.json has already of the same weights is
kept. Writes docs/allocation.md and docs/allocation.png. Wants an idle machine.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib.figure
import torch

import splatsr
from section import HERE, write_results, write_section
from splatsr.disk.digest import digest
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

MEASURED = HERE / "results" / "allocation.json"

SCALE = 4

THRESHOLDS = (0.01, 0.02, 0.05, 0.15, 1.0)
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
    parser.add_argument("models", nargs="*")
    parser.add_argument("--plain", nargs="+", default=[])
    arguments = parser.parse_args()
    shown, plain = (" ".join(Path(name).stem for name in names) for names in (arguments.models, arguments.plain))
    command = f"python benchmarks/allocation.py {arguments.folder.name} {shown} --plain {plain}"
    protocol = instantiate(compose("protocol=l_pil")["protocol"], "protocol")
    pairs = []
    for path in find_images(arguments.folder):
        hr = read_image(path)
        height, width = (length // SCALE * SCALE for length in hr.shape[:2])
        hr = hr[:height, :width]
        pairs.append((to_tensor(resize_bicubic(hr, (height // SCALE, width // SCALE)))[None], to_tensor(hr)))
    known = json.loads(MEASURED.read_text())["rows"] if MEASURED.exists() else []
    rows: list[dict] = []
    for name in (*arguments.models, *arguments.plain):
        model = splatsr.load(name)
        for threshold in (None, *(THRESHOLDS if name in arguments.models else ())):
            which = {"model": Path(name).stem, "weights": digest({}, model.state_dict())[:12], "threshold": threshold}
            found = next((row for row in known if which.items() <= row.items()), None)
            model.flat_pixels = None if threshold is None else FlatPixels(threshold=threshold, reach=REACH)
            rows.append(found or {**which, **measured(model, pairs, protocol)})
            made_by = write_results("allocation", command, rows=[*rows, *(row for row in known if row not in rows)])
            print(rows[-1], flush=True)
    draw(rows, DOCS / "allocation.png")
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
