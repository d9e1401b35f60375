"""metrics.json: what a run's figures are, and everything that they depend on. This docstring is its definition.

| key | value |
|---|---|
| schema | 2; a reader refuses others (files without it were written before there was a schema) |
| protocol | `Protocol.describe()`: every knob, and what they mean in words |
| model | {"name": class, "encoder": its class or null, "parameters": count} |
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

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from splatsr.disk.whole_file import write_json
from splatsr.errors import InputError
from splatsr.image.model import Model
from splatsr.metrics.figure import BICUBIC, METHODS, MODEL, Evaluation, Figure, ImageFigure, scale_name, select
from splatsr.metrics.protocol import Protocol

SCHEMA = 2

_BICUBIC = "bicubic_"
"""Beginning of the keys of bicubic's figures."""


class MeasuredModel(NamedTuple):
    """Names of the classes of a model and its encoder, and how many parameters the model has."""

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


def write_record(path: Path, evaluation: Evaluation, *, protocol: Protocol, model: Model, checkpoint: str | None) -> None:
    """Writes a metrics.json; InputError where it cannot be written."""
    encoder = getattr(model, "encoder", None)
    measured = MeasuredModel(
        name=type(model).__name__,
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
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}).") from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise InputError(f"{path} has schema {schema}, expected {SCHEMA}: evaluate that run again with job=evaluate.")
    try:
        return Record(
            evaluation=_read_evaluation(content),
            protocol=content["protocol"],
            model=MeasuredModel(**content["model"]),
            checkpoint=content["checkpoint"],
            rendering=content["rendering"],
        )
    except KeyError as error:
        raise InputError(f"{path} is damaged: it has no {error}.") from error


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
                row |= {row_key(figure.metric, method): _number(figure.value) if figure.images else None for figure in figures}
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
        row[row_key(figure.metric, figure.method)] = _number(figure.value)
    return rows


def _read_evaluation(content: Mapping[str, Any]) -> Evaluation:
    figures = [
        Figure(
            set_name,
            _scale(scale),
            *_metric_and_method(key),
            float(value),
            row["images"],
            row.get("infinite", {}).get(key, 0),
        )
        for set_name, rows in content["sets"].items()
        for scale, row in rows.items()
        for key, value in row.items()
        if key not in ("images", "infinite") and value is not None
    ]
    image_figures = [
        ImageFigure(set_name, _scale(scale), *_metric_and_method(key), float(value), image)
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


def _number(value: float) -> float | str:
    """The value as JSON has it: numbers, and names of what is none."""
    return value if math.isfinite(value) else str(value)


def _metric_and_method(key: str) -> tuple[str, str]:
    return (key.removeprefix(_BICUBIC), BICUBIC if key.startswith(_BICUBIC) else MODEL)


def _scale(name: str) -> float:
    return float(name.removeprefix("x"))
