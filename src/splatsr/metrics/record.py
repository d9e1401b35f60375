"""metrics.json: what a run's figures are, and everything that they depend on. This docstring is its definition.

| key | value |
|---|---|
| schema | 2; a reader refuses others (files without it were written before there was a schema) |
| protocol | `Protocol.describe()`: every knob, and what they mean in words |
| model | {"name": class, or those of two stages (DRSformer+LIIF), "encoder": its class or null, "parameters": count} |
| checkpoint | the file that the weights came from, null for a model without weights |
| rendering | how the model renders a pixel, in its own words (`model.rendering`), null where it has none |
| sets | {set: {"x4": {"psnr_y": dB, ..., "bicubic_psnr_y": dB, ..., "images": n}}}, means over the images; null: missing |
| images | {set: {"x4": {image: {"psnr_y": dB, ..., "bicubic_psnr_y": dB, ...}}}}; images are paths in the set's folder |
| missing | {metric: why it was asked for and not measured} |
| failures | a line for every image that could not be measured at a scale (files without the key have none) |

"images" of a row is how many images were measured. Figures that JSON has no number for are "inf" (PSNR of an exact prediction),
"-inf" and "nan". Means leave infinite figures out, and a row then counts them: "infinite": {"psnr_y": n}.

Metrics are psnr_y or psnr_rgb (dB), ssim_y or ssim_rgb, lpips, dists, fid (sets only), as the protocol compares: see
metrics.names. Everything else in the package works on the records of metrics.figure; only this file knows the form above.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, NotRequired, TypedDict

import typeguard

from splatsr.arguments import shown
from splatsr.disk.read_back import read_json
from splatsr.disk.whole_file import write_json
from splatsr.errors import InputError
from splatsr.image.model import Model
from splatsr.image.self_ensemble import SelfEnsemble
from splatsr.image_files.one_line import one_line
from splatsr.metrics.figure import BICUBIC, METHODS, MODEL, Evaluation, Figure, ImageFigure, scale_name, select
from splatsr.metrics.protocol import Protocol

SCHEMA = 2

LARGEST_FIGURE, LARGEST_COUNT = 1e9, 2**63 - 1
"""Beyond these a file is damaged: decibels, similarities and distances are far smaller, and so is what is counted."""

_BICUBIC = "bicubic_"
"""Beginning of the keys of bicubic's figures."""


class MeasuredModel(NamedTuple):
    """`Model.name`, the class of its encoder, and how many parameters the model has."""

    name: str
    encoder: str | None
    parameters: int


class Record(NamedTuple):
    """The content of a metrics.json; `protocol` as `Protocol.describe()` has it."""

    evaluation: Evaluation
    protocol: Mapping[str, Any]
    model: MeasuredModel
    checkpoint: str | None
    rendering: str | None


class _Model(TypedDict):
    name: str
    encoder: str | None
    parameters: int


class _Content(TypedDict):
    """The form of the file; what a row holds is checked as it is read."""

    schema: int
    protocol: dict[str, str | float | bool | list[str] | None]
    model: _Model
    checkpoint: str | None
    rendering: str | None
    sets: dict[str, dict[str, dict[str, Any]]]
    images: dict[str, dict[str, dict[str, dict[str, float | str]]]]
    missing: dict[str, str]
    failures: NotRequired[list[str]]


def write_record(path: Path, evaluation: Evaluation, *, protocol: Protocol, model: Model, checkpoint: str | None) -> None:
    """Writes a metrics.json; InputError where it cannot be written."""
    network = model.model if isinstance(model, SelfEnsemble) else model
    encoder = getattr(network, "encoder", None)
    measured = MeasuredModel(
        name=network.name,
        encoder=None if encoder is None else type(encoder).__name__,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
    )
    content = {
        "schema": SCHEMA,
        "protocol": protocol.describe(),
        "model": measured._asdict(),
        "checkpoint": checkpoint,
        "rendering": model.rendering,
        "sets": set_rows(evaluation),
        "images": _image_rows(evaluation),
        "missing": evaluation.missing,
        "failures": list(evaluation.failures),
    }
    write_json(path, content)


def read_record(path: Path) -> Record:
    """The content of a metrics.json of this schema.

    Raises:
        InputError: it is not there, damaged, or of another schema.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; expected a run that has been evaluated.")
    content = read_json(path)
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise InputError(f"{path} has schema {shown(schema)}, expected {SCHEMA}: evaluate that run again with job=evaluate.")
    try:
        typeguard.check_type(content, _Content, collection_check_strategy=typeguard.CollectionCheckStrategy.ALL_ITEMS)
        if not isinstance(content["protocol"].get("name"), str):
            raise ValueError("its protocol has no name")
        return Record(
            evaluation=_read_evaluation(content),
            protocol=content["protocol"],
            model=MeasuredModel(**{**content["model"], "parameters": _count(content["model"]["parameters"])}),
            checkpoint=content["checkpoint"],
            rendering=content["rendering"],
        )
    except (typeguard.TypeCheckError, ValueError) as error:
        raise InputError(f"{path} is damaged: {one_line(error)}.") from error


def json_number(value: float) -> float | str:
    """The value as JSON has it: numbers, and names of what is none."""
    return value if math.isfinite(value) else str(value)


def row_key(metric: str, method: str) -> str:
    """The key of a figure in its row: psnr_y of the model, bicubic_psnr_y of bicubic."""
    return metric if method == MODEL else _BICUBIC + metric


def set_rows(evaluation: Evaluation) -> dict[str, dict[str, dict[str, Any]]]:
    """The value of "sets": by set and scale a row with every metric of the model, then of bicubic; missing ones are None."""
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for set_name, images in evaluation.images.items():
        rows[set_name] = {}
        for scale in evaluation.scales:
            row = rows[set_name][scale_name(scale)] = {}
            measured = len(images)
            infinite: dict[str, int] = {}
            for method in METHODS:
                figures = select(evaluation.figures, set_name=set_name, scale=scale, method=method)
                row |= {
                    row_key(figure.metric, method): json_number(figure.value) if figure.images else None for figure in figures
                }
                infinite |= {row_key(figure.metric, method): figure.infinite for figure in figures if figure.infinite}
                measured = min([measured, *(figure.images for figure in figures)])
                row |= {row_key(metric, method): None for metric in evaluation.missing}
            row["images"] = measured
            if infinite:
                row["infinite"] = infinite
    return rows


def _image_rows(evaluation: Evaluation) -> dict[str, dict[str, dict[str, dict[str, float | str]]]]:
    rows: dict[str, dict[str, dict[str, dict[str, float | str]]]] = {
        set_name: {scale_name(scale): {image: {} for image in images} for scale in evaluation.scales}
        for set_name, images in evaluation.images.items()
    }
    for figure in evaluation.image_figures:
        row = rows[figure.set_name][scale_name(figure.scale)][figure.image]
        row[row_key(figure.metric, figure.method)] = json_number(figure.value)
    return rows


def _read_evaluation(content: Mapping[str, Any]) -> Evaluation:
    """Everything but the model and its circumstances; ValueError where the values contradict each other, or are none."""
    figures = [
        Figure(
            set_name,
            _scale(scale),
            *_metric_and_method(key),
            _value(value),
            _count(row.get("images")),
            _count(_infinite(row).get(key, 0)),
        )
        for set_name, rows in content["sets"].items()
        for scale, row in rows.items()
        for key, value in row.items()
        if key not in ("images", "infinite") and value is not None
    ]
    for set_name, scales in content["images"].items():
        if unknown := sorted(set(scales) - set(content["sets"].get(set_name, {}))):
            raise ValueError(f"it has images of {set_name} at {unknown[0]}, and no row of them")
    image_figures = [
        ImageFigure(set_name, _scale(scale), *_metric_and_method(key), _value(value), image)
        for set_name, scales in content["images"].items()
        for scale, rows in scales.items()
        for image, row in rows.items()
        for key, value in row.items()
    ]
    images = {
        set_name: list(dict.fromkeys(image for rows in scales.values() for image in rows))
        for set_name, scales in content["images"].items()
    }
    scales = dict.fromkeys(_scale(scale) for rows in content["sets"].values() for scale in rows)
    return Evaluation(figures, image_figures, images, list(scales), content["missing"], tuple(content.get("failures", ())))


def _infinite(row: Mapping[str, Any]) -> Mapping[str, Any]:
    counts = row.get("infinite", {})
    if not isinstance(counts, dict):
        raise ValueError(f"infinite is {shown(counts)}; expected how many figures of which metric are")
    return counts


def _value(value: Any) -> float:
    """A figure as it was written: a number, or the name of what is none."""
    if isinstance(value, int | float) and not isinstance(value, bool) and not LARGEST_FIGURE < abs(value) < math.inf:
        return float(value)
    if value in ("inf", "-inf", "nan"):
        return float(value)
    raise ValueError(f"{shown(value)} stands where a figure belongs")


def _count(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT:
        return value
    raise ValueError(f"{shown(value)} stands where a count belongs")


def _metric_and_method(key: str) -> tuple[str, str]:
    return (key.removeprefix(_BICUBIC), BICUBIC if key.startswith(_BICUBIC) else MODEL)


def _scale(name: str) -> float:
    """Of x4, x3.3, as `scale_name` writes them; ValueError where it is none."""
    try:
        scale = float(name.removeprefix("x"))
    except ValueError:
        scale = math.nan
    if not 0 < scale < math.inf or scale_name(scale) != name:
        raise ValueError(f"{shown(name)} stands where a scale belongs, such as x4")
    return scale
