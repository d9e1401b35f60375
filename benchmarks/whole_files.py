"""Whether files are whole: what a file's name promises can be read to its end."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import yaml
from PIL import Image
from safetensors import safe_open

from splatsr.disk.folder_lock import NAME


def half_files(folder: Path) -> list[str]:
    """The files below a folder that are not whole, and why; partial files and logs, which may be cut off, are left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        reader = _READERS.get(path.suffix)
        if reader is None or not path.is_file() or path.name == NAME or ".partial" in str(path.relative_to(folder)):
            continue
        try:
            reader(path)
        except Exception as error:
            found.append(f"{path}: {type(error).__name__}: {error}")
    return found


def _read_picture(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


def _read_tensors(path: Path) -> None:
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - not a mapping
            file.get_tensor(name)


def _read_zip(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if broken := archive.testzip():
            raise ValueError(f"checksum of {broken}")


def _read_yaml(path: Path) -> None:
    if yaml.safe_load(path.read_text()) is None:
        raise ValueError("empty")


_READERS: dict[str, Callable[[Path], object]] = {
    **dict.fromkeys((".png", ".jpg", ".tif", ".webp"), _read_picture),
    ".json": lambda path: json.loads(path.read_text()),
    ".yaml": _read_yaml,
    ".safetensors": _read_tensors,
    ".ckpt": _read_zip,
    ".md": lambda path: path.read_text().rstrip() or 1 / 0,
}
