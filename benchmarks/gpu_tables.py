"""The tables that gpu_minutes.py fills: rendering in benchmarks/README.md, training in docs/gpu.md."""

import statistics
from collections.abc import Iterable

from gpu_rendering import SCALES
from section import HERE, figure, write_section
from splatsr.disk.markdown import markdown_table

PAGE = HERE.parent / "docs" / "gpu.md"


RENDERING = ("rendering", "scales", "published", "gsplat")

TRAINING = ("training", "precision", "encoders", "compile", "loader", "archives", "processes")
"""Parts whose rows are on the pages."""


def write_tables(record: dict) -> None:
    """Rewrites both pages from the record; unfinished parts stand for whole ones where there are none."""
    made = {**record["parts"], **{name: one for name, one in record["unfinished"].items() if name not in record["parts"]}}
    parts = {name: one["rows"] for name, one in made.items()}
    origin = f"Made by `{record['command']}` {origins(made, whole=record['parts'])}"
    write_section("gpu", f"{origin}{missing(RENDERING, parts)}; medians, milliseconds.\n\n{rendering(parts)}")
    write_section("gpu", f"{origin}{missing(TRAINING, parts)}.\n\n{training(parts)}", PAGE)


def origins(made: dict[str, dict], whole: Iterable[str]) -> str:
    """On which machine which parts were measured on which date; parts that are not whole are marked."""
    days: dict[str, dict[str, list[str]]] = {}
    for name, one in made.items():
        machine = one["machine"]
        text = f"{machine['device']}, torch {machine['torch']}, Triton {machine['triton']}, gsplat {machine['gsplat']}"
        names = days.setdefault(text, {}).setdefault(one["date"], [])
        names.append(name if name in whole else f"{name} (cut short)")
    return "; ".join(
        f"({'; '.join(f'{date}: ' + ', '.join(names) for date, names in dates.items())}): {machine}"
        for machine, dates in days.items()
    )


def missing(names: Iterable[str], parts: dict) -> str:
    """Says which of these parts were not measured."""
    left = [name for name in names if name not in parts]
    return f"; not measured: {', '.join(left)}" if left else ""


def shown(value: float | None) -> str:
    return "-" if value is None else figure(value)


def rendering(parts: dict) -> str:
    """Tables of the parts `rendering`, `gsplat`, `scales` and `published`."""
    of_gsplat = {row["field"]: row for row in parts.get("gsplat", [])}
    columns = {
        "forward": "forward_ms", "as a graph": "forward_graph_ms", "its image written": "write_ms", "dense": "dense_forward_ms",
        "backward": "backward_ms", "its bytes copied": "backward_copy_ms",
    }  # fmt: skip
    foreign = {"gsplat's lists": "tile_lists_forward_ms", "gsplat's alpha": "alpha_forward_ms"}
    cells = [
        [row["field"], *(shown(row[key]) for key in columns.values()),
         *(shown(of_gsplat.get(row["field"], {}).get(key)) for key in foreign.values())]
        for row in parts.get("rendering", [])
    ]  # fmt: skip
    texts = [markdown_table(("field", *columns, *foreign), cells, text_columns=1)] if cells else []
    scales = parts.get("scales", [])
    if len(scales) == len(SCALES):
        graph, plain = (statistics.mean(row[key] for row in scales) for key in ("forward_graph_ms", "forward_ms"))
        texts.append(f"21 x 13 pixels, mean over x4 to x48: {figure(graph)} ms as a graph, {figure(plain)} ms as called.")
    if parts.get("published"):
        names = {"encode": "encode_ms", "encode, bf16": "encode_bf16_ms", "render x4": "render_x4_ms", "x48": "render_x48_ms"}
        rows = [[row["lr"], *(shown(row[key]) for key in names.values())] for row in parts["published"]]
        texts.append("ContinuousSR on HAT, first weights (Table 1 prints 4.6 ms for AT, encoding and rendering together):")
        texts.append(markdown_table(("LR", *names), rows, text_columns=1))
    return "\n\n".join(texts)


def training(parts: dict) -> str:
    """Tables of the parts `training`, `precision`, `encoders`, `compile`, `loader`, `archives` and `processes`."""
    columns = {
        "images/s": "images_per_s", "step, ms": "step_ms", "encoder": "encoder_ms", "heads": "heads_ms", "render": "render_ms",
        "peak, GiB": "peak_gib",
    }  # fmt: skip
    rows = [
        [row["model"], row["precision"], str(row["batch"]),
         *(["out of memory"] + ["-"] * 5 if row.get("out_of_memory") else (shown(row[key]) for key in columns.values()))]
        for row in parts.get("training", [])
    ]  # fmt: skip
    texts = [markdown_table(("model", "precision", "batch", *columns), rows, text_columns=2)] if rows else []
    if parts.get("precision"):
        losses = [[str(row["steps"]), f"{row['float32']:.5f}", f"{row['bf16']:.5f}"] for row in parts["precision"]]
        texts.append("The tiny model's mean L1 loss over the last 50 steps, same crops and first weights:")
        texts.append(markdown_table(("after steps", "32-true", "bf16-mixed"), losses, text_columns=0))
    if parts.get("encoders"):
        keys = "forward_ms", "products_ms", "share", "tflop_per_s"
        rates = [
            [row["encoder"], f"{row['batch']} of {row['side']}", *(shown(row[key]) for key in keys)]
            for row in parts["encoders"]
        ]
        texts.append("A forward pass of the encoders in bf16, and the matrix products in it, each timed alone:")
        headings = "encoder", "LR crops", "pass, ms", "products, ms", "share", "TFLOP/s"
        texts.append(markdown_table(headings, rates, text_columns=2))
    if parts.get("compile"):
        compiled = [
            [row["model"], str(row["batch"]), *(shown(row[key]) for key in ("step_ms", "compiled_step_ms", "compilation_s"))]
            for row in parts["compile"]
        ]
        texts.append("`compile=inductor`, bf16-mixed, crops of one size:")
        texts.append(markdown_table(("model", "batch", "step, ms", "compiled", "compilation, s"), compiled, text_columns=1))
    if parts.get("loader"):
        rates = [[str(row["workers"]), shown(row["crops_per_s"])] for row in parts["loader"]]
        texts.append(markdown_table(("loader processes", "crops/s"), rates, text_columns=0))
    if parts.get("archives"):
        rates = [[row["decode_on"], str(row["workers"]), shown(row["crops_per_s"])] for row in parts["archives"]]
        texts.append("JPEGs of 2250x1500 pixels in an archive, four crops of each:")
        texts.append(markdown_table(("`data.decode_on`", "loader processes", "crops/s"), rates, text_columns=1))
    if parts.get("processes"):
        keys = "crops", "gradient_difference", "step_ms_of_two", "step_ms_of_one"
        rows = [[shown(row[key]) for key in keys] for row in parts["processes"]]
        texts.append("Two processes on this device by gloo, half of the batch each, float32:")
        texts.append(
            markdown_table(("crops", "gradient: relative difference", "step, ms", "one process"), rows, text_columns=0)
        )
    return "\n\n".join(texts)
