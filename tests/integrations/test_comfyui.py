"""ComfyUI's side, as its documentation has it: nodes are found by NODE_CLASS_MAPPINGS, and called by what they declare."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

FOLDER = Path(__file__).parents[2] / "integrations" / "comfyui"


@pytest.fixture(scope="module")
def nodes() -> ModuleType:
    """Imported as ComfyUI imports a folder of custom_nodes."""
    spec = importlib.util.spec_from_file_location("splatsr_nodes", FOLDER / "__init__.py", submodule_search_locations=[])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def execute(node: type, **given: Any) -> Any:
    """A stand-in for the host: defaults are filled in, values checked as its widgets do, and the result is unpacked by type."""
    declared = node.INPUT_TYPES()
    inputs = {}
    for name, (kind, *options) in {**declared["required"], **declared.get("optional", {})}.items():
        bounds = options[0] if options else {}
        value = given.get(name, bounds.get("default"))
        if kind in ("FLOAT", "INT"):
            assert bounds["min"] <= value <= bounds["max"]
        if isinstance(kind, list):
            assert value in kind
        inputs[name] = value
    result = getattr(node(), node.FUNCTION)(**inputs)
    assert len(result) == len(node.RETURN_TYPES)
    return result[0]


def test_every_node_has_a_name_for_people(nodes: ModuleType) -> None:
    assert nodes.NODE_CLASS_MAPPINGS.keys() == nodes.NODE_DISPLAY_NAME_MAPPINGS.keys()


def test_images_grow_by_any_factor(nodes: ModuleType) -> None:
    image = torch.rand(2, 9, 12, 3)
    made = execute(nodes.NODE_CLASS_MAPPINGS["SplatSRScale"], image=image, scale=2.5)
    assert (made.shape, made.dtype) == ((2, 22, 30, 3), torch.float32)
    assert 0 <= made.min() <= made.max() <= 1
    small = torch.nn.functional.interpolate(made.movedim(-1, 1), size=(9, 12), mode="area").movedim(1, -1)
    assert (small - image).abs().mean() < 0.15, "height and width are where they were"


@pytest.mark.parametrize(("wanted", "size"), [({"width": 31, "height": 17}, (17, 31)), ({"width": 24, "height": 0}, (18, 24))])
def test_images_get_an_exact_size(nodes: ModuleType, wanted: dict[str, int], size: tuple[int, int]) -> None:
    made = execute(nodes.NODE_CLASS_MAPPINGS["SplatSRSize"], image=torch.rand(1, 9, 12, 3), **wanted)
    assert made.shape == (1, *size, 3)
