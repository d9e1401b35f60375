"""What models cost, as tables: time, multiply-adds and memory, a row for each model."""

from collections.abc import Mapping

from splatsr.metrics.figure import scale_name
from splatsr.metrics.model_cost import AverageTimeCost, ModelCost
from splatsr.tables.text_table import TextTable


def cost_tables(models: Mapping[str, ModelCost]) -> list[TextTable]:
    """Average time (a row for each model and LR size), one scale, peak memory; the models by name, measured alike."""
    first = next(iter(models.values()))
    return [
        TextTable(
            "Average time: mean over the scales, the image encoded once (~ partly interpolated by pixels)",
            ["model", "parameters", "LR", "encode ms", "render ms", "AT ms"],
            [
                [name, f"{cost.parameters / 1e6:.2f} M", _size(time.lr_size), *_times(time)]
                for name, cost in models.items()
                for time in cost.average_time
            ],
            text_columns=1,
        ),
        TextTable(
            f"One scale, GT {first.one_scale[0].hr_side}: encoded and rendered",
            ["model", *(f"{scale_name(one.scale)} {unit}" for one in first.one_scale for unit in ("ms", "GMAC"))],
            [
                [
                    name,
                    *(f"{figure:.3g}" for one in cost.one_scale for figure in (one.ms, one.multiply_adds / 1e9)),
                ]
                for name, cost in models.items()
            ],
            text_columns=1,
        ),
        TextTable(
            f"Peak memory beyond the start, LR {_size(first.memory.lr_size)}",
            ["model", "encode MB", *(f"{scale_name(scale)} MB" for scale in first.memory.render_mb_at)],
            [
                [name, *(f"{peak:.0f}" for peak in (cost.memory.encode_mb, *cost.memory.render_mb_at.values()))]
                for name, cost in models.items()
            ],
            text_columns=1,
        ),
    ]


def _size(size: tuple[int, int]) -> str:
    """Width x height, as people say it."""
    return f"{size[1]}x{size[0]}"


def _times(time: AverageTimeCost) -> list[str]:
    """~ marks what is partly interpolated."""
    mark = "" if len(time.measured) == len(time.render_ms_at) else "~"
    return [f"{time.encode_ms:.3g}", f"{mark}{time.render_ms:.3g}", f"{mark}{time.average_ms:.3g}"]
