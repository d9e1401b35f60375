"""Results as people read them: a table in the terminal, pictures and metrics.json in the run's folder."""

from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from splatsr.data.module import PhotoData
from splatsr.geometry import Number
from splatsr.jobs.progress import along
from splatsr.jobs.run_folder import write_json
from splatsr.metrics.evaluation import Results, evaluate
from splatsr.metrics.protocol import Protocol


def evaluate_and_report(
    model: nn.Module, data: PhotoData, *, scales: list[Number], protocol: Protocol, pictures: int, run_dir: Path
) -> Results:
    """Measures, prints the table, draws `pictures` strips per set and the PSNR curve, and last writes metrics.json."""
    results = evaluate(model, data.test_sets, scales, protocol, progress=lambda pairs: along(pairs, len(pairs), "evaluating"))
    Console().print(results_table(results, protocol))
    if pictures:
        draw(model, data, results, scales=scales, protocol=protocol, pictures=pictures, folder=run_dir / "pictures")
    write_json(run_dir / "metrics.json", {**results, "protocol": protocol.describe(), "rendering": model.rendering})
    Console().print(f"results, pictures and weights: {run_dir}", soft_wrap=True)
    return results


def results_table(results: Results, protocol: Protocol) -> Table:
    """Rows set and scale, columns of the model, of bicubic, and the gain."""
    kind = "Y" if protocol.luminance else "RGB"
    table = Table(title=f"protocol {protocol.name}: PSNR-{kind} in dB, SSIM-{kind}")
    for heading in ("set", "scale", "PSNR", "bicubic", "gain", "SSIM", "bicubic"):
        table.add_column(heading, justify="left" if heading == "set" else "right")
    for name, rows in results.items():
        for scale, row in rows.items():
            psnr, ssim = (row[f"{metric}_{protocol.suffix}"] for metric in ("psnr", "ssim"))
            low_psnr, low_ssim = (row[f"bicubic_{metric}_{protocol.suffix}"] for metric in ("psnr", "ssim"))
            table.add_row(
                name, scale, f"{psnr:.2f}", f"{low_psnr:.2f}", f"{psnr - low_psnr:+.2f}", f"{ssim:.4f}", f"{low_ssim:.4f}"
            )
    return table


@torch.inference_mode()
def draw(
    model: nn.Module,
    data: PhotoData,
    results: Results,
    *,
    scales: list[Number],
    protocol: Protocol,
    pictures: int,
    folder: Path,
) -> None:
    """pictures/<set>-<image>-x4.png for the first images, at x4 or the nearest scale asked for, and pictures/psnr.png."""
    from splatsr.data.benchmark import Benchmark  # matplotlib below takes a second: only for those who want pictures
    from splatsr.pictures.curve import draw_psnr_curve
    from splatsr.pictures.strip import draw_strip

    folder.mkdir(parents=True, exist_ok=True)
    scale = min(scales, key=lambda one: abs(one - 4))
    for name, paths in data.test_sets.items():
        pairs = Benchmark({name: paths[:pictures]}, [scale])
        for pair in along(pairs, len(pairs), "drawing"):
            draw_strip({type(model).__name__: model}, pair, protocol, folder / f"{name}-{pair.path.stem}-x{scale:g}.png")
    draw_psnr_curve(results, protocol, folder / "psnr.png")


def draw_run(folder: Path) -> None:
    """pictures/training.png, the curves, and pictures/page.png: the curves above the last validation's strip and field."""
    from splatsr.pictures.training import draw_curves, draw_page

    pictures = folder / "pictures"
    pictures.mkdir(exist_ok=True)
    draw_curves({folder.name: folder}, pictures / "training.png")
    last = sorted((pictures / "validation").glob("*-step*.png"))[-2:]
    draw_page([pictures / "training.png", *last], pictures / "page.png", title=str(folder))
