"""job=benchmark: what models cost, by the papers' own sums: average time over x4 to x48, one scale at GT 288, memory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from splatsr.checkpoints.build import build
from splatsr.checkpoints.choice import choose_device
from splatsr.checkpoints.files import load_model
from splatsr.disk.whole_file import write_json, write_text
from splatsr.errors import InputError
from splatsr.metrics.cost import average_time, memory, one_scale
from splatsr.metrics.cost_settings import CostSettings
from splatsr.runs.configuration import instantiate
from splatsr.runs.machine import describe_machine
from splatsr.runs.run import Run


def benchmark(
    *,
    benchmark: Mapping[str, Any],
    model: Mapping[str, Any],
    checkpoint: str | None,
    device: str,
    run: Run,
) -> dict[str, Any]:
    """Arguments are the root keys of conf/run.yaml; `benchmark` is explained in conf/benchmark/one.yaml. benchmark.json,
    benchmark.md and benchmark.png go to the run's folder.

    Raises:
        InputError: whatever the user can put right, before the first measurement.
    """
    if benchmark["models"] and checkpoint is not None:
        raise InputError("benchmark=all measures the models it lists, with their first weights; leave checkpoint out.")
    torch.manual_seed(run.seed)
    settings: CostSettings = instantiate(benchmark, "benchmark")
    chosen_device, models, folder = choose_device(device), settings.models, run.folder
    if not models:
        network = build(model) if checkpoint is None else load_model(checkpoint)
        models = {type(network).__name__ if checkpoint is None else Path(checkpoint).stem: network}
    run.describe(rendering="; ".join(f"{name}: {network.rendering}" for name, network in models.items()))
    console = Console()
    results: dict[str, Any] = {"machine": describe_machine(chosen_device), "repetitions": settings.repetitions, "models": {}}
    for name, network in models.items():
        with console.status(f"measuring {name}"):
            results["models"][name] = _measure(network.eval().to(chosen_device), settings)
        write_json(folder / "benchmark.json", results)  # slow methods come later: what is measured stays
        times = ", ".join(f"{one['average_ms']:.3g} ms" for one in results["models"][name]["average_time"])
        console.print(f"{name}: average time {times}")
    for title, rows in _tables(results).items():
        console.print(_printed(title, rows))
    write_text(folder / "benchmark.md", markdown(results))
    from splatsr.pictures.cost import draw_cost  # matplotlib takes a second

    draw_cost(results["models"], folder / "benchmark.png")
    console.print(f"results and plots: {folder}", soft_wrap=True)
    return results


def _measure(network: nn.Module, settings: CostSettings) -> dict[str, Any]:
    repetitions, average, single = settings.repetitions, settings.average_time, settings.one_scale
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "average_time": [
            average_time(network, size, average.scales, repetitions=repetitions, seconds=average.seconds)
            for size in average.lr_sizes
        ],
        "one_scale": {
            f"x{scale:g}": one_scale(network, single.hr_side, scale, repetitions=repetitions) for scale in single.scales
        },
        "memory": memory(network, settings.memory.lr_size, settings.memory.scales),
    }


def _tables(results: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """Title and rows, the headings first; one row per model, in the first table per model and LR size."""
    models: Mapping[str, Any] = results["models"]
    first = next(iter(models.values()))
    average = [["model", "parameters", "LR", "encode ms", "render ms", "AT ms"]]
    for name, result in models.items():
        for one in result["average_time"]:
            about = "" if len(one["measured"]) == len(one["render_ms_at"]) else "~"
            times = [f"{one['encode_ms']:.3g}", *(f"{about}{one[part]:.3g}" for part in ("render_ms", "average_ms"))]
            average.append([name, f"{result['parameters'] / 1e6:.2f} M", "x".join(map(str, one["lr_size"][::-1])), *times])
    single = [["model", *(f"{scale} {unit}" for scale in first["one_scale"] for unit in ("ms", "GMAC"))]]
    memory = [["model", "encode MB", *(f"{scale} MB" for scale in first["memory"]["render_mb_at"])]]
    for name, result in models.items():
        pairs = [(f"{one['ms']:.3g}", f"{one['multiply_adds'] / 1e9:.3g}") for one in result["one_scale"].values()]
        single.append([name, *(cell for pair in pairs for cell in pair)])
        peaks = (result["memory"]["encode_mb"], *result["memory"]["render_mb_at"].values())
        memory.append([name, *(f"{peak:.0f}" for peak in peaks)])
    size = "x".join(map(str, first["memory"]["lr_size"][::-1]))
    return {
        "Average time: mean over the scales, the image encoded once (~ partly interpolated by pixels)": average,
        f"One scale, GT {next(iter(first['one_scale'].values()))['hr_side']}: encoded and rendered": single,
        f"Peak memory beyond the start, LR {size}": memory,
    }


def _printed(title: str, rows: list[list[str]]) -> Table:
    table = Table(title=title)
    for heading in rows[0]:
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for row in rows[1:]:
        table.add_row(*row)
    return table


def markdown(results: Mapping[str, Any]) -> str:
    """The tables as Markdown, and what they were measured on."""
    machine = results["machine"]
    lines = [
        f"{machine['device']}, {machine['cores']} cores, {machine['threads']} threads, torch {machine['torch']}, numba "
        f"{machine['numba']}; medians of {results['repetitions']} after a warm-up.",
    ]
    for title, rows in _tables(results).items():
        lines += ["", f"{title}:", "", f"| {' | '.join(rows[0])} |", f"| --- |{' ---: |' * (len(rows[0]) - 1)}"]
        lines += [f"| {' | '.join(row)} |" for row in rows[1:]]
    return "\n".join(lines) + "\n"
