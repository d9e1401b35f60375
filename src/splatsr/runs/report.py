"""Results as people read them: a table in the terminal, pictures and metrics.json in the run's folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from splatsr.data.evaluation_pairs import Benchmark
from splatsr.data.module import PhotoData
from splatsr.disk.whole_file import write_json
from splatsr.geometry import Number
from splatsr.metrics.evaluation import Results, evaluate, metric_key
from splatsr.metrics.protocol import Protocol
from splatsr.metrics.record import make_record
from splatsr.models.gaussiansr import GaussianSR
from splatsr.runs.progress import along
from splatsr.tables.paper import PaperTable

HEADINGS = {"psnr": "PSNR", "ssim": "SSIM", "lpips": "LPIPS", "dists": "DISTS", "fid": "FID"}
DECIMALS = {"psnr": 2, "ssim": 4, "lpips": 4, "dists": 4, "fid": 2}


def evaluate_and_report(
    model: nn.Module,
    data: PhotoData,
    *,
    scales: list[Number],
    protocol: Protocol,
    metrics: Sequence[str] | None,
    checkpoint: str | None,
    beside: Mapping[str, nn.Module],
    paper: PaperTable | None,
    pictures: int,
    run_dir: Path,
) -> Results:
    """Measures, prints the tables, draws `pictures` strips per set and the PSNR curve, and last writes metrics.json.

    `checkpoint` is the file that the model came from, for the record. Strips show the models `beside` it too, by name; the
    curve has `paper`'s points. Of a GaussianSR there is its bank too.
    """
    found = evaluate(
        model, data.test_sets, scales, protocol, metrics=metrics, progress=lambda pairs: along(pairs, len(pairs), "evaluating")
    )
    for metric in protocol.metrics if metrics is None else metrics:
        if metric not in found.missing:
            Console().print(results_table(found.results, protocol, metric))
    results = found.results
    if pictures:
        folder = run_dir / "pictures"
        folder.mkdir(parents=True, exist_ok=True)
        shown = {type(model).__name__: model, **beside}
        draw_strips(shown, data, scales=scales, protocol=protocol, pictures=pictures, folder=folder)
        if "psnr" in (protocol.metrics if metrics is None else metrics):
            from splatsr.pictures.curve import draw_psnr_curve  # matplotlib takes a second: only for those who want pictures

            draw_psnr_curve(results, protocol, folder / "psnr.png", paper=paper)
        if isinstance(model, GaussianSR) and model.bank is not None:
            draw_banks(model, data, scales=scales, protocol=protocol, pictures=pictures, folder=folder)
    write_json(run_dir / "metrics.json", make_record(found, protocol=protocol, model=model, checkpoint=checkpoint))
    Console().print(f"results, pictures and weights: {run_dir}", soft_wrap=True)
    return results


def results_table(results: Results, protocol: Protocol, metric: str) -> Table:
    """One metric: for every set a row of the model, of bicubic, and of the gain; columns are scales."""
    key, decimals = metric_key(metric, protocol), DECIMALS[metric]
    kind = {"psnr_y": "-Y (dB)", "psnr_rgb": "-RGB (dB)", "ssim_y": "-Y", "ssim_rgb": "-RGB"}.get(key, "")
    table = Table(title=f"{HEADINGS[metric]}{kind}, protocol {protocol.name}")
    table.add_column("set")
    table.add_column("")
    for scale in next(iter(results.values())):
        table.add_column(scale, justify="right")
    for name, rows in results.items():
        pairs = [(row[key], row[f"bicubic_{key}"]) for row in rows.values()]
        table.add_row(name, "model", *(f"{ours:.{decimals}f}" for ours, _ in pairs))
        table.add_row("", "bicubic", *(f"{bicubic:.{decimals}f}" for _, bicubic in pairs))
        table.add_row("", "difference", *(f"{ours - bicubic:+.{decimals}f}" for ours, bicubic in pairs), end_section=True)
    return table


@torch.inference_mode()
def draw_strips(
    models: Mapping[str, nn.Module], data: PhotoData, *, scales: list[Number], protocol: Protocol, pictures: int, folder: Path
) -> None:
    """<set>-<image>-x4.png for the first `pictures` images of every set, at x4 or the nearest scale asked for."""
    from splatsr.pictures.strip import draw_strip

    scale = min(scales, key=lambda one: abs(one - 4))
    for name, images in data.test_sets.items():
        pairs = Benchmark({name: images[:pictures]}, [scale], protocol.low_resolution)
        for pair in along(pairs, len(pairs), "drawing"):
            draw_strip(models, pair, protocol, folder / f"{name}-{pair.path.stem}-x{scale:g}.png")


@torch.inference_mode()
def draw_banks(
    model: GaussianSR, data: PhotoData, *, scales: list[Number], protocol: Protocol, pictures: int, folder: Path
) -> None:
    """<set>-bank-x4.png: which kernels of its bank the model chooses in the images that `draw_strips` shows."""
    from splatsr.pictures.bank import draw_bank

    scale = min(scales, key=lambda one: abs(one - 4))
    device = next(model.parameters()).device
    for name, images in data.test_sets.items():
        lrs = [pair.lr for pair in Benchmark({name: images[:pictures]}, [scale], protocol.low_resolution)]
        shares = [model.shares(lr[None].to(device))[0].cpu() for lr in lrs]
        title = f"{name}, x{scale:g}, {model.rendering}"
        draw_bank(model.bank.table.cpu(), shares, lrs, folder / f"{name}-bank-x{scale:g}.png", title=title)


def draw_run(folder: Path) -> None:
    """pictures/training.png, the curves, and pictures/page.png: the curves above the last validation's strip and field."""
    from splatsr.pictures.training import draw_curves, draw_page

    pictures = folder / "pictures"
    pictures.mkdir(exist_ok=True)
    draw_curves({folder.name: folder}, pictures / "training.png")
    last = sorted((pictures / "validation").glob("*-step*.png"))[-2:]
    draw_page([pictures / "training.png", *last], pictures / "page.png", title=str(folder))
