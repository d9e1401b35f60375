"""Results as people read them: a table in the terminal, pictures and metrics.json in the run's folder."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from splatsr.checkpoints.choice import device_of
from splatsr.data.evaluation_pairs import EvaluationPairs, Pair
from splatsr.data.image_names import file_stems
from splatsr.data.module import PhotoData
from splatsr.decoders.gaussian_bank import ChoosesKernels, GaussianBank
from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.image.model import Model
from splatsr.metrics.evaluation import evaluate
from splatsr.metrics.figure import METHODS, Evaluation, Figure, nearest_scale, scale_name, select
from splatsr.metrics.names import NamedMetric
from splatsr.metrics.protocol import Protocol
from splatsr.metrics.record import write_record
from splatsr.runs.progress import along
from splatsr.shown import show, show_table
from splatsr.tables.paper import PaperTable
from splatsr.tables.text_table import TextTable


def evaluate_and_report(
    model: Model,
    data: PhotoData,
    *,
    scales: list[Number],
    protocol: Protocol,
    metrics: Sequence[str] | None,
    checkpoint: str | None,
    beside: Mapping[str, Model],
    paper: PaperTable | None,
    pictures: int,
    run_dir: Path,
) -> Evaluation:
    """Measures, prints the tables, draws `pictures` strips per set and the PSNR curve, and last writes metrics.json.

    `checkpoint` is the file that the model came from, for the record. Strips show the models `beside` it too, by name; the
    curve has `paper`'s points. Of a model that chooses kernels from a bank there is the bank too.

    Raises:
        InputError: at the end, where images could not be measured; metrics.json has the figures of the others.
    """
    found = evaluate(
        model,
        data.test_sets,
        scales,
        protocol,
        metrics=metrics,
        progress=lambda indices: along(indices, len(indices), "evaluating"),
    )
    for failure in found.failures:
        show(failure, error=True)
    requested = protocol.metrics if metrics is None else metrics
    for name in requested:
        if name not in found.missing:
            show_table(results_table(found.figures, protocol.metric(name), title=f"protocol {protocol.name}"))
    for note in notes_on(found.figures):
        show(note)
    if pictures:
        from splatsr.pictures.curve import draw_psnr_curve  # matplotlib takes a second: only for those who want pictures

        folder = run_dir / "pictures"
        folder.mkdir(parents=True, exist_ok=True)
        models = {model.name: model, **beside}
        draw_strips(models, data, scales=scales, protocol=protocol, pictures=pictures, folder=folder)
        if "psnr" in requested:
            draw_psnr_curve(found.figures, protocol, folder / "psnr.png", paper=paper)
        if isinstance(model, ChoosesKernels) and model.bank is not None:
            draw_banks(model, model.bank, data, scales=scales, protocol=protocol, pictures=pictures, folder=folder)
    write_record(run_dir / "metrics.json", found, protocol=protocol, model=model, checkpoint=checkpoint)
    show("")
    show(f"results: {run_dir}")
    if found.failures:
        raise InputError(
            f"{len(found.failures)} of {len(scales) * sum(map(len, found.images.values()))} measurements of test images failed "
            f"(named above); the figures in {run_dir} are of the others."
        )
    return found


def notes_on(figures: Sequence[Figure]) -> list[str]:
    """A line for every figure that leaves images out because they came out exactly."""
    return [
        f"{figure.metric} of {figure.set_name} at {scale_name(figure.scale)}, {figure.method}: {figure.infinite} of "
        f"{figure.images} images come out exactly (infinite) and are left out of the mean."
        for figure in figures
        if figure.infinite
    ]


def results_table(figures: Sequence[Figure], metric: NamedMetric, *, title: str) -> TextTable:
    """One metric: for every set a row of the model, of bicubic, and of the difference; columns are scales."""
    own = select(figures, metric=metric.name)
    scales = list(dict.fromkeys(figure.scale for figure in own))
    lines = []
    for set_name in dict.fromkeys(figure.set_name for figure in own):
        rows = {method: [figure.value for figure in select(own, set_name=set_name, method=method)] for method in METHODS}
        for index, (method, values) in enumerate(rows.items()):
            shown = [_shown(value, f".{metric.decimals}f") for value in values]
            lines.append(["" if index else set_name, method, *shown])
        differences = [ours - bicubic for ours, bicubic in zip(*rows.values(), strict=True)]
        lines.append(["", "difference", *(_shown(value, f"+.{metric.decimals}f") for value in differences)])
    return TextTable(f"{metric.heading}, {title}", ["set", "", *map(scale_name, scales)], lines, 2)


def _shown(value: float, form: str) -> str:
    """The value in this form; a dash where there is none."""
    return "-" if math.isnan(value) else format(value, form)


@torch.inference_mode()
def draw_strips(
    models: Mapping[str, Model], data: PhotoData, *, scales: list[Number], protocol: Protocol, pictures: int, folder: Path
) -> None:
    """<set>-<image>-x4.png for the first `pictures` images of every set, at x4 or the nearest scale asked for."""
    from splatsr.pictures.strip import draw_strip

    scale = nearest_scale(scales, 4)
    for name, images in data.test_sets.items():
        shown = [image for image in images if image.comes_at(scale)][:pictures]
        stems = file_stems([image.name for image in shown])
        pairs = EvaluationPairs({name: shown}, [scale], protocol.low_resolution)
        for index in along(range(len(pairs)), len(pairs), "drawing"):
            if (pair := _readable(pairs, index)) is not None:
                draw_strip(models, pair, protocol, folder / f"{name}-{stems[index]}-{scale_name(scale)}.png")


@torch.inference_mode()
def draw_banks(
    model: ChoosesKernels,
    bank: GaussianBank,
    data: PhotoData,
    *,
    scales: list[Number],
    protocol: Protocol,
    pictures: int,
    folder: Path,
) -> None:
    """<set>-bank-x4.png: which kernels of its bank a model chooses in the images that `draw_strips` shows."""
    from splatsr.pictures.bank import draw_bank

    scale = nearest_scale(scales, 4)
    for name, images in data.test_sets.items():
        shown = [image for image in images if image.comes_at(scale)][:pictures]
        pairs = EvaluationPairs({name: shown}, [scale], protocol.low_resolution)
        lrs = [pair.lr for index in range(len(pairs)) if (pair := _readable(pairs, index)) is not None]
        if not lrs:
            continue
        shares = [model.shares(lr[None].to(device_of(bank)))[0].cpu() for lr in lrs]
        title = f"{name}, {scale_name(scale)}, {model.rendering}"
        draw_bank(bank.table.cpu(), shares, lrs, folder / f"{name}-bank-{scale_name(scale)}.png", title=title)


def _readable(pairs: EvaluationPairs, index: int) -> Pair | None:
    """The pair; None where its image cannot be read: it is named as a failure already."""
    try:
        return pairs[index]
    except InputError:
        return None


def draw_run(folder: Path) -> None:
    """pictures/training.png, the curves, and pictures/page.png: the curves above the last validation's strip and field."""
    from splatsr.pictures.training import draw_curves, draw_page

    pictures = folder / "pictures"
    pictures.mkdir(exist_ok=True)
    draw_curves({folder.name: folder}, pictures / "training.png")
    last = sorted((pictures / "validation").glob("*-step*.png"))[-2:]
    draw_page([pictures / "training.png", *last], pictures / "page.png", title=str(folder))
