"""A ContinuousSR as an ONNX file: encoder and heads for images of any size, with all that is said of them.

onnx and onnxruntime are an extra, splatsr[export], and imported in here alone.
"""

import json
import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from splatsr import __version__
from splatsr.errors import InputError
from splatsr.image.model import Model
from splatsr.models.continuoussr import ContinuousSR
from splatsr.onnx_files.graphs import Tile, WholeImage

Graph = WholeImage | Tile

OPSET = 17
"""ONNX operators of 2022, which every runtime of today has."""

OUTPUTS = ("means", "cholesky", "colors")

TOLERANCE = 1e-4
"""Largest difference to torch: LR pixels, or what colors are measured in, times the largest value where that is above 1."""

SIZES = ((24, 16), (19, 37), (33, 40))
"""(height, width) of the images that a file is checked on; none is what the graph was traced with."""

_TRACED = (20, 28)


def whole_image(model: Model, *, name: str, licence: str) -> bytes:
    """The file that takes an image of any size to its field; checked against torch.

    Args:
        model: in eval mode; `continue_images` decides beforehand what margin its fields have.
        name: of the model, for the file's description.
        licence: of the weights.

    Raises:
        InputError: it is no ContinuousSR, onnx or onnxruntime is missing, or what the file computes is not what torch does.
    """
    checked = _continuous(model)
    graph = WholeImage(checked)
    content = _written(graph, {**_facts(checked, name, licence), "margin": checked.margin})
    _check(content, graph, checked, name)
    return content


def for_tiles(model: Model, *, name: str, licence: str) -> bytes:
    """The file that takes a piece of an image, which was continued by `margin` and cut outside, to a rectangle's field.

    Raises:
        InputError: as `whole_image`; or the model does not work in tiles.
    """
    checked = _continuous(model)
    tiling = checked.tiling
    if tiling is None:
        raise InputError(f"{name} does not work in tiles: nothing limits how far its kernels are from their pixels.")
    facts = {
        **_facts(checked, name, licence), "continue_by": checked.margin, "overlap": tiling.overlap, "multiple": tiling.multiple,
        "exact": tiling.exact, "heads_see": checked.heads_see,
    }  # fmt: skip
    graph = Tile(checked)
    content = _written(graph, facts)
    _check(content, graph, checked, name)
    return content


def _continuous(model: Model) -> ContinuousSR:
    if not isinstance(model, ContinuousSR):
        raise InputError(f"{type(model).__name__} makes no kernels; choose a ContinuousSR model, such as tiny.")
    return model


def _facts(model: ContinuousSR, name: str, licence: str) -> dict[str, Any]:
    return {
        "name": name,
        "licence": licence,
        "encoder": type(model.encoder).__name__,
        "lr": "RGB in [0, 1], (1, 3, height, width), any size",
        "kernels": "row by row over the cells, per_side x per_side of them per LR pixel of the image and its margin",
        "means": "(x, y) in LR pixels from the image's corner; pixel k covers [k, k + 1]",
        "cholesky": "(l11, l21, l22) in LR pixels: covariance L L^T, L = [[l11, 0], [l21, l22]], x first",
        "colors": "RGB at the kernel's peak; a pixel is the sum of color * exp(-q), q <= ln 255, unclamped",
        "per_side": model.per_side,
        "reference_scale": model.reference_scale,
    }


def _written(graph: Graph, facts: Mapping[str, Any]) -> bytes:
    onnx = _library("onnx")
    # runtimes fold constants when they load a file; folded here, every window attention's bias would be written out
    with TemporaryDirectory(prefix="splatsr-") as folder, warnings.catch_warnings(), torch.enable_grad():
        file = Path(folder, "graph.onnx")  # with gradients parts take their plain ways, without chunks
        warnings.simplefilter("ignore")  # on the age of this exporter, and on constants that are meant to be constant
        torch.onnx.export(
            graph, graph.example(_image(_TRACED)), file, dynamo=False, opset_version=OPSET, do_constant_folding=False,
            input_names=list(graph.inputs), output_names=list(OUTPUTS),
            dynamic_axes={"lr": {2: "height", 3: "width"}, **{name: {1: "kernels"} for name in OUTPUTS}},
        )  # fmt: skip
        made = onnx.load_model(file)
    _halve(onnx, made.graph)
    made.producer_name, made.producer_version = "splatsr", __version__
    for key, value in facts.items():
        made.metadata_props.add(key=key, value=value if isinstance(value, str) else json.dumps(value))
    onnx.checker.check_model(made)
    return made.SerializeToString()


def _halve(onnx: Any, graph: Any) -> None:
    """Stores weights in half precision that lose nothing by it, as those of released models; they are float32 to the graph."""
    casts = []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < 64:
            continue
        with np.errstate(over="ignore"):
            halves = values.astype(np.float16)
        if np.array_equal(halves.astype(np.float32), values):
            name = tensor.name
            tensor.CopyFrom(onnx.numpy_helper.from_array(halves, f"{name}.half"))
            casts.append(onnx.helper.make_node("Cast", [tensor.name], [name], f"{name}.cast", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _check(content: bytes, graph: Graph, model: ContinuousSR, name: str) -> None:
    """InputError unless the file computes what the model does, on three sizes."""
    runtime = _library("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    for size in SIZES:
        inputs = graph.example(_image(size))
        values = {key: one.numpy() for key, one in zip(graph.inputs, inputs, strict=True)}
        found = tuple(torch.from_numpy(one) for one in session.run(list(OUTPUTS), values))
        with torch.no_grad():
            expected, exported = graph.pair(model, inputs, found)
        for output in OUTPUTS:
            theirs, ours = getattr(expected, output), getattr(exported, output)
            off, most = (theirs - ours).abs().max().item(), theirs.abs().max().item()
            limit = TOLERANCE * (1 if output == "means" else max(most, 1))
            if not off <= limit:  # NaN is not either
                raise InputError(
                    f"the ONNX file of {name} computes other {output} than torch, for {size[1]}x{size[0]} pixels by up to "
                    f"{off:.2g}: nothing was written."
                )


def _image(size: tuple[int, int]) -> Tensor:
    """Noise beside a grey and flat third, for the rules that look for such."""
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    image[..., : size[1] // 3] = 0.5
    return image


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise InputError(f"{name} is not installed: pip install 'splatsr[export]'.") from error
