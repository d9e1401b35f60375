"""How runs went: their curves, and one page that shows everything a run drew."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.figure
import matplotlib.image

from splatsr.metrics.logged_names import LoggedName, split_logged_name
from splatsr.metrics.names import PSNR_NAMES
from splatsr.pictures.drawing import as_label, save_drawing

PANELS = {
    "train/loss": "training loss",
    "val/psnr": "validation PSNR (dB)",
    "lr": "learning rate",
    "train/gradient_norm": "gradient norm",
    "train/images_per_second": "images per second",
}
"""Metric (or the beginning of its name) and what its panel is called."""

Curves = dict[str, list[tuple[int, float]]]
"""{metric: [(step, value), ...]}"""


def read_curves(folder: Path) -> Curves:
    """Everything that the CSV logger wrote for a run, resumed parts joined: where steps were repeated the last part counts."""
    steps: dict[str, dict[int, float]] = {}
    for log in sorted((folder / "logs").glob("version_*/metrics.csv"), key=lambda path: int(path.parent.name.split("_")[1])):
        with log.open(newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            if not str(row.get("step")).isdecimal():  # cut off, where the run was killed or the disk was full
                continue
            for name, value in row.items():
                if name not in ("step", "epoch", None) and (figure := _number(value)) is not None:
                    steps.setdefault(name, {})[int(row["step"])] = figure
    return {name: sorted(points.items()) for name, points in steps.items()}


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def draw_curves(runs: Mapping[str, Path], path: Path) -> None:
    """Writes a PNG: a panel for each of PANELS, a line for each named run (or for each set and scale of a single one)."""
    curves = {name: read_curves(folder) for name, folder in runs.items()}
    figure = matplotlib.figure.Figure(figsize=(4 * len(PANELS), 3.4), layout="constrained")
    for axis, (start, title) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        for run, series in curves.items():
            for name, points in series.items():
                detail = split_logged_name(name) if len(runs) == 1 and start == "val/psnr" else None
                if name == start or (start == "lr" and name.startswith("lr-")) or _is_validation_psnr(detail):
                    label = run if len(runs) > 1 else _label(name, detail)
                    axis.plot(
                        *zip(*points, strict=True), label=as_label(label), linewidth=1.2, marker="." if len(points) < 20 else ""
                    )
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
        if len(axis.lines) > 1:
            axis.legend(fontsize=7)
        if start in ("train/loss", "train/gradient_norm"):
            axis.set_yscale("log")
    save_drawing(figure, path, dpi=90)


def draw_page(pictures: Sequence[Path], path: Path, *, title: str) -> None:
    """Writes a PNG: the given PNGs below each other at the same width."""
    images = [matplotlib.image.imread(picture) for picture in pictures]
    heights = [16 * image.shape[0] / image.shape[1] for image in images]
    figure = matplotlib.figure.Figure(figsize=(16, sum(heights) + 0.5), layout="constrained")
    axes = figure.subplots(len(images), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axis, image in zip(axes, images, strict=True):
        axis.imshow(image)
        axis.set_axis_off()
    figure.suptitle(as_label(title))
    save_drawing(figure, path, dpi=100)


def _is_validation_psnr(name: LoggedName | None) -> bool:
    """Whether it is one set's part of the mean val/psnr."""
    return name is not None and name.stage == "val" and name.metric in PSNR_NAMES


def _label(name: str, detail: LoggedName | None) -> str:
    if name == "val/psnr":
        return "mean over sets and scales"
    return name.split("/", 1)[-1] if detail is None else f"{detail.set_name}/{detail.scale}"
