"""metrics.json: what a run's figures are, and everything that they depend on. This docstring is its definition.

| key | value |
|---|---|
| schema | 2; a reader refuses others (files without it were written before there was a schema) |
| protocol | `Protocol.describe()`: every knob, and what they mean in words |
| model | {"name": class, "encoder": its class or null, "parameters": count} |
| checkpoint | the file that the weights came from, null for a model without weights |
| rendering | how the model renders a pixel, in its own words (`model.rendering`), null where it has none |
| sets | {set: {"x4": {"psnr_y": dB, ..., "bicubic_psnr_y": dB, ..., "images": n}}}, means over the images; null: missing |
| images | {set: {"x4": {file name: {"psnr_y": dB, ..., "bicubic_psnr_y": dB, ...}}}} |
| missing | {metric: why it was asked for and not measured} |

Metrics are psnr_y or psnr_rgb (dB), ssim_y or ssim_rgb, lpips, dists, fid (sets only), as the protocol compares.
"""

import json
from pathlib import Path
from typing import Any

from torch import nn

from splatsr.errors import InputError
from splatsr.metrics.evaluation import Evaluation
from splatsr.metrics.protocol import Protocol

SCHEMA = 2


def make_record(found: Evaluation, *, protocol: Protocol, model: nn.Module, checkpoint: str | None) -> dict[str, Any]:
    """The content of metrics.json."""
    encoder = getattr(model, "encoder", None)
    return {
        "schema": SCHEMA,
        "protocol": protocol.describe(),
        "model": {
            "name": type(model).__name__,
            "encoder": None if encoder is None else type(encoder).__name__,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
        },
        "checkpoint": checkpoint,
        "rendering": getattr(model, "rendering", None),
        "sets": found.results,
        "images": found.images,
        "missing": found.missing,
    }


def read_record(path: Path) -> dict[str, Any]:
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
    return content
