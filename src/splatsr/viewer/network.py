"""A model that a page carries and runs itself, on pictures that are dropped into it."""

import html
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from splatsr.image.model import Model
from splatsr.models.continuoussr import ContinuousSR
from splatsr.onnx_files.export import for_tiles
from splatsr.viewer.planes import LARGEST_SIDE, THINNEST
from splatsr.viewer.runtime_files import LICENCE, runtime

HERE = Path(__file__).parent / "with_model"

TILE = 96
"""LR pixels along the side of a tile without its surroundings: 730 weights for each of its kernels are then 110 MB."""

LARGEST = 4_000_000
"""Pixels of a picture: minutes, and some 600 MB for its kernels."""


class Network(NamedTuple):
    """What a page carries for it.

    Attributes:
        facts: what its script has to know, for the page's JSON.
        parts: zlib streams, by the name under which the page's script looks for them.
        about: what is said of model, program and licences.
    """

    facts: Mapping[str, Any]
    parts: Mapping[str, bytes]
    about: str


def network_of(model: Model, *, name: str, licence: str) -> Network:
    """The model, in eval mode, with the program that runs it.

    Raises:
        InputError: it is no ContinuousSR, does not work in tiles, onnx or onnxruntime is missing, or as `runtime`.
    """
    content = for_tiles(model, name=name, licence=licence)
    assert isinstance(model, ContinuousSR)
    assert model.tiling is not None
    program = runtime()
    facts = {
        "name": name,
        "perSide": model.per_side,
        "margin": model.margin,
        "overlap": math.ceil(model.tiling.overlap),
        "multiple": model.tiling.multiple,
        "headsSee": model.heads_see,
        "referenceScale": None if math.isinf(model.reference_scale) else model.reference_scale,
        "tile": max(TILE, model.tiling.multiple),
        "thinnest": THINNEST,
        "largest": LARGEST,
        "longest": LARGEST_SIDE // model.per_side - 2 * model.margin,
    }
    parts = {"runtime": program.script, "wasm": program.program, "network": content}
    about = (
        f"The model {name} runs in this page, in a thread of its own; pictures stay on this machine. Licence of its weights: "
        f"{licence}. It is run by:\n\n{LICENCE}"
    )
    return Network(facts, {key: zlib.compress(part, 6) for key, part in parts.items()}, about)


def fragment(network: Network) -> str:
    """The HTML of where pictures are dropped."""
    return (HERE / "drop.html").read_text(encoding="utf-8").strip().replace("{{about}}", html.escape(network.about))
