"""The house as docs/architecture.md draws it: what lies where, and which way imports run."""

import ast
from pathlib import Path

import pytest
import yaml

import splatsr
from splatsr.runs.configuration import CONF

HOUSE = Path(splatsr.__file__).parent

FLOORS = (
    "errors", "devices", "geometry", "bounds", "arguments", "published_form", "disk", "simd", "resize", "splatting",
    "splat_files", "image", "encoders", "heads", "decoders", "image_files", "data", "prior", "models", "released",
    "checkpoints", "large_images", "onnx_files", "metrics", "tables", "shown", "viewer", "pictures", "training", "runs", "jobs",
    "commands", "__main__",
)  # fmt: skip
"""Rooms and loose files from the ground up."""


def stems(folder: Path, ending: str) -> set[str]:
    return {path.stem for path in folder.glob(f"*.{ending}")} - {"__init__"}


def test_jobs_are_the_files_of_conf_job() -> None:
    assert stems(HOUSE / "jobs", "py") == stems(CONF / "job", "yaml")


def test_methods_are_the_files_of_conf_model() -> None:
    """A method's configuration has its file's name; a variant's begins with it (continuoussr_tiny)."""
    targets = {path.stem: _module(path) for path in (CONF / "model").glob("*.yaml")}
    assert {name for name in targets if name == targets[name]} == stems(HOUSE / "models", "py")
    assert all(name == method or name.startswith(f"{method}_") for name, method in targets.items())


def test_there_are_no_other_rooms() -> None:
    assert {path.stem for path in HOUSE.iterdir() if path.name not in ("__init__.py", "__pycache__", "py.typed")} <= set(FLOORS)


@pytest.mark.parametrize("path", sorted(HOUSE.rglob("*.py")), ids=lambda path: str(path.relative_to(HOUSE)))
def test_imports_run_down(path: Path) -> None:
    parts = path.relative_to(HOUSE).with_suffix("").parts
    if parts == ("__init__",):
        return
    own = FLOORS.index(parts[0])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("splatsr."):
            assert FLOORS.index(node.module.split(".")[1]) <= own, f"{path} imports {node.module}, which is above"


def _module(path: Path) -> str:
    settings = yaml.safe_load(path.read_text())
    if "_target_" in settings:
        return settings["_target_"].split(".")[-2]
    (base,) = [entry for entry in settings["defaults"] if isinstance(entry, str) and entry != "_self_"]
    return _module(path.with_name(f"{base}.yaml"))
