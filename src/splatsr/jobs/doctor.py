"""job=doctor: what is on this machine, which data sets lie where, and how the missing ones have to lie."""

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import torch
import yaml
from rich.console import Console
from rich.table import Table

from splatsr.data.decoded import DecodedFolder
from splatsr.data.known_sets import DEGRADED, KNOWN_SETS, ZOOMED, expected_lr, find_set
from splatsr.data.layouts import parts_in
from splatsr.data.shards import Shards
from splatsr.devices import RENDERERS
from splatsr.disk.free_space import existing_parent, free_bytes
from splatsr.errors import InputError
from splatsr.runs.configuration import CONF
from splatsr.splatting.choice import ON_CUDA, chosen_renderer, is_installed

PACKAGES = ("splatsr", "torch", "torchvision", "lightning", "hydra-core", "torchmetrics", "kornia", "timm", "numba", "numpy",
            "pillow", "wandb", "gsplat")  # fmt: skip

Rows = list[tuple[str, ...]]


def doctor(*, data: Mapping[str, Any]) -> None:
    """Arguments are the root keys of conf/run.yaml; looks below data.root and data.test_root. Prints, and writes nothing."""
    root = Path(data["root"] or data["test_root"])
    for name in ("root", "test_root", "cache"):
        if data[name] is not None and Path(data[name]).exists() and not Path(data[name]).is_dir():
            raise InputError(f"data.{name}={data[name]} is no folder.")
    _show("This machine", ("", ""), _machine(root))
    _show("What draws images", ("renderer=", "on", ""), _renderers())
    _show(
        f"Training sets below {root}",
        ("data=", "images", "decoded", "where, or the tree that is expected"),
        _training(root, data["cache"]),
    )
    _show(
        f"Test sets below {data['test_root']}",
        ("data.test=", "images", "LR files", "where, or the tree that is expected"),
        _test_sets(Path(data["test_root"])),
    )


def _machine(root: Path) -> Rows:
    memory = psutil.virtual_memory()
    devices = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return [
        ("Python", f"{platform.python_version()}, {platform.system()} {platform.machine()}"),
        *((package, _version(package)) for package in PACKAGES),
        ("processor", f"{os.cpu_count()} cores, {torch.get_num_threads()} threads for torch"),
        ("memory", f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free"),
        ("GPUs", ", ".join(devices) or "none that torch sees: training and rendering run on the processor"),
        ("disk", f"{free_bytes(root) / 2**30:.1f} GiB free at {existing_parent(root)}"),
        ("W&B", _wandb()),
    ]


def _renderers() -> Rows:
    devices = [torch.device("cuda", index) for index in range(torch.cuda.device_count())] or [torch.device("cpu")]
    return [(name, str(device), _role(name, device)) for device in devices for name in RENDERERS if name != "auto"]


def _role(name: str, device: torch.device) -> str:
    chosen = chosen_renderer(device)
    if name in chosen.faults:
        return f"fails its test: {chosen.faults[name]}"
    if name == chosen.name:
        return "draws, and passed its test" if name in ON_CUDA else "draws"
    if name in ON_CUDA and not is_installed(name):
        return "not installed"
    if name in ON_CUDA and device.type != "cuda":
        return "for CUDA devices"
    return "not needed" if name != "reference" else "for tests: slow"


def _training(root: Path, cache: str | None) -> Rows:
    rows: Rows = []
    for option in sorted((CONF / "data").glob("*.yaml")):
        settings = yaml.safe_load(option.read_text()) or {}
        train, in_archives = settings.get("train"), "shards" in settings.get("defaults", [])
        listed = [train] if isinstance(train, str) else train
        if not isinstance(listed, list):  # the user's own folders, or photographs of Python packages
            continue
        expected = "<archives>.tar" if in_archives else "<scene>/<images>" if settings.get("scenes") else "<images>"
        for location in (*listed, *([settings["degraded"]] if "degraded" in settings else [])):
            try:
                if in_archives:
                    archives = Shards(location, root=str(root), cache=cache, skip_damaged=False).archives
                    rows.append((option.stem, f"{len(archives)} archives", "as they are", str(root / location)))
                    continue
                parts = list(parts_in(location, str(root)))
            except InputError:
                rows.append((option.stem, "missing", "", f"{root / location}/{expected}"))
                continue
            done = 0 if cache is None else sum(DecodedFolder(part, Path(cache)).records() is not None for part in parts)
            images = sum(len(part.names) for part in parts)
            rows.append((option.stem, str(images), f"{done} of {len(parts)} folders", str(root / location)))
    return rows


def _test_sets(root: Path) -> Rows:
    rows: Rows = []
    for name, trees in KNOWN_SETS.items():
        try:
            found = find_set(name, root)
        except InputError as error:
            rows.append((name, "wrong", "", str(error)))
            continue
        if found is None:
            lr = "LR" if name in DEGRADED + ZOOMED else "LR, if any"
            tree = f"{root / trees[0].hr}/<images>; {lr}: {expected_lr(name, root).split(' or ')[0]}/<images>"
            rows.append((name, "missing", "", tree))
        else:
            rows.append(
                (name, str(len(found.images)), " ".join(f"x{scale}" for scale in found.scales) or "none", str(found.folder))
            )
    return rows


def _wandb() -> str:
    import wandb

    if os.environ.get("WANDB_MODE") in ("offline", "disabled"):
        return f"{os.environ['WANDB_MODE']} (WANDB_MODE)"
    return "logged in" if wandb.login(prompt=False) else "no key: logger=wandb logs offline; `wandb login` changes that"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _show(title: str, headings: Sequence[str], rows: Rows) -> None:
    """A table on a terminal; elsewhere plain columns that nothing wraps."""
    console = Console()
    if console.is_terminal:
        table = Table(*headings, title=title, title_justify="left", show_header=any(headings))
        for row in rows:
            table.add_row(*row, style="yellow" if "missing" in row or "wrong" in row else None)
        console.print(table)
        return
    lines = [headings, *rows] if any(headings) else rows
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in (title, *("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in lines), ""):
        console.print(line.rstrip(), soft_wrap=True, highlight=False, markup=False)
