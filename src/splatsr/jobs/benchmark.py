"""job=benchmark: what models cost, by the papers' own sums: average time over x4 to x48, one scale at GT 288, memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import nn

from splatsr.checkpoints.build import build
from splatsr.checkpoints.choice import choose_device, choose_precision
from splatsr.checkpoints.files import load_model
from splatsr.devices import Device, Precision
from splatsr.disk.markdown import markdown_table
from splatsr.disk.whole_file import write_json, write_text
from splatsr.errors import InputError
from splatsr.heads.dictionary import carry_rows
from splatsr.metrics.cost import average_time, memory, one_scale
from splatsr.metrics.cost_settings import CostSettings
from splatsr.metrics.model_cost import ModelCost
from splatsr.runs.configuration import instantiate
from splatsr.runs.machine import describe_machine
from splatsr.runs.run import Run
from splatsr.shown import show, show_table
from splatsr.tables.cost import cost_tables
from splatsr.tables.text_table import TextTable


def benchmark(
    *,
    benchmark: Mapping[str, Any],
    model: Mapping[str, Any],
    checkpoint: str | None,
    device: Device,
    precision: Precision,
    run: Run,
) -> dict[str, Any]:
    """Arguments are the root keys of conf/run.yaml; `benchmark` is explained in conf/benchmark/one.yaml. benchmark.json,
    benchmark.md and benchmark.png go to the run's folder.

    Raises:
        InputError: whatever the user can put right, before the first measurement.
    """
    run.begins()
    if benchmark["models"] and checkpoint is not None:
        raise InputError("benchmark=all measures the models it lists, with their first weights; leave checkpoint out.")
    torch.manual_seed(run.seed)
    settings: CostSettings = instantiate(benchmark, "benchmark")
    chosen_device, models, folder = choose_device(device), settings.models, run.folder
    chosen_precision = choose_precision(precision, chosen_device)
    if not models:
        network = build(carry_rows(model)) if checkpoint is None else load_model(checkpoint)
        models = {type(network).__name__ if checkpoint is None else Path(checkpoint).stem: network}
    run.describe(rendering="; ".join(f"{name}: {network.rendering}" for name, network in models.items()))
    console = Console()
    results: dict[str, Any] = {
        "machine": describe_machine(chosen_device),
        "precision": str(chosen_precision).removeprefix("torch."),
        "repetitions": settings.repetitions,
        "models": {},
    }
    costs: dict[str, ModelCost] = {}
    for name, network in models.items():
        network.precision = chosen_precision
        with console.status(f"measuring {name}"):
            costs[name] = _measure(network.eval().to(chosen_device), settings)
        results["models"][name] = costs[name].as_json()
        write_json(folder / "benchmark.json", results)  # slow methods come later: what is measured stays
        times = ", ".join(f"{time.average_ms:.3g} ms" for time in costs[name].average_time)
        show(f"{name}: average time {times}")
    tables = cost_tables(costs)
    for table in tables:
        show_table(table)
    from splatsr.pictures.cost import draw_cost  # matplotlib takes a second

    draw_cost(costs, folder / "benchmark.png")
    write_text(run.finished, markdown(results, tables))
    show("")
    show(f"results and plots: {folder}")
    return results


def _measure(network: nn.Module, settings: CostSettings) -> ModelCost:
    repetitions, average, single = settings.repetitions, settings.average_time, settings.one_scale
    return ModelCost(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        average_time=[
            average_time(network, size, average.scales, repetitions=repetitions, seconds=average.seconds)
            for size in average.lr_sizes
        ],
        one_scale=[one_scale(network, single.hr_side, scale, repetitions=repetitions) for scale in single.scales],
        memory=memory(network, settings.memory.lr_size, settings.memory.scales),
    )


def markdown(results: Mapping[str, Any], tables: Sequence[TextTable]) -> str:
    """The tables as Markdown, and what they were measured on."""
    machine = results["machine"]
    lines = [
        f"{machine['device']}, {machine['cores']} cores, {machine['threads']} threads, torch {machine['torch']}, numba "
        f"{machine['numba']}; networks in {results['precision']}; "
        f"medians of {results['repetitions']} after a warm-up.",
    ]
    for table in tables:
        lines += ["", f"{table.title}:", "", markdown_table(table.headings, table.rows, text_columns=table.text_columns)]
    return "\n".join(lines) + "\n"
