"""The file that holds a model: whatever names it, the catalogue, a hub, or its path."""

from pathlib import Path

from splatsr.errors import InputError
from splatsr.released.catalogue import catalogue, check_name, public_files
from splatsr.released.hub import PREFIX, fetch, has_digest


def weights_file(wanted: str | Path) -> Path:
    """Where the model is that `wanted` names: tiny, hf:owner/name, hf:owner/name/file.safetensors, the path of a file, or that
    of a folder with a model.safetensors.

    A known name is that model, whatever lies in the working directory: ./tiny is a file there. What is on a hub is downloaded,
    once.

    Raises:
        InputError: the name is unknown, its file did not come with this package, or the hub does not give it.
    """
    if isinstance(wanted, Path):
        return _in_folder(wanted)
    if wanted.startswith(PREFIX):
        return fetch(wanted)
    if wanted in public_files():
        return _public(wanted)
    if wanted not in catalogue():
        check_name(wanted)
        return _in_folder(Path(wanted))
    path = catalogue()[wanted].path
    if not path.is_file():
        raise InputError(f"the weights of {wanted!r} did not come with this package; `splatsr models` lists those that did.")
    return path


def _in_folder(path: Path) -> Path:
    """Of a run's folder, or a published one, the model in it; a file's path as it is."""
    inside = path / "model.safetensors"
    return inside if path.is_dir() and inside.is_file() else path


def _public(name: str) -> Path:
    known = public_files()[name]
    path = fetch(f"{PREFIX}{known.repository}/{known.file}")
    if not has_digest(path, known.sha256):
        raise InputError(f"{path} is not the file that this package knows as {name!r}; delete it, or give the path of yours.")
    return path
