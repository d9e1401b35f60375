"""Which pictures a command enlarges, and the files that it makes of them: decided before anything slow begins."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from splatsr.disk.disk_errors import in_the_way
from splatsr.disk.free_space import existing_parent
from splatsr.errors import InputError
from splatsr.image_files.folder import is_image_name
from splatsr.image_files.formats import WRITTEN, check_writable


def find_pictures(given: Sequence[str]) -> list[Path]:
    """The files that are named, or matched by patterns such as *.png; or one folder alone.

    Raises:
        InputError: something is not there, a pattern matches nothing, or a folder is named beside something else.
    """
    found = [path for one in given for path in _matched(one)]
    pictures = list(dict.fromkeys(found))
    if len(pictures) > 1 and (folder := next((path for path in pictures if path.is_dir()), None)) is not None:
        raise InputError(f"{folder} is a folder among several pictures; give a folder alone, or its pictures: {folder / '*'}.")
    return pictures


def name_results(pictures: Sequence[Path], output: str | None, suffix: str, format: str | None = None) -> list[Path]:
    """The file that is made of each picture; of a folder, the folder.

    They are named after the picture: photo.jpg becomes photo_x3.7.jpg, in the working directory or in the folder `output`. A
    format that is read and not written (GIF) becomes a PNG. Below the folder that is made of a folder, names stay. Where
    `output` names the file, `format` may only say the same.

    Args:
        pictures: of `find_pictures`.
        output: a file, a folder, or None.
        suffix: what is added to names, such as _x3.7.
        format: their ending, without the dot; None: the picture's.

    Raises:
        InputError: `output` is no place for the results, or two of them would be one file.
    """
    target = None if output is None else Path(output)
    if pictures[0].is_dir():
        name = Path(os.path.abspath(pictures[0])).name or "pictures"
        results = [target or Path(f"{name}{suffix}")]
        if results[0].exists() and not results[0].is_dir():
            raise InputError(f"-o {results[0]} is a file; of a folder of pictures a folder is made.")
    elif target is None or _is_folder(output or "", target, len(pictures)):
        results = [(target or Path()) / _result_name(picture, suffix, format) for picture in pictures]
    else:
        check_writable(target)
        if format is not None and WRITTEN[target.suffix.lower()] != WRITTEN[f".{format}"]:
            raise InputError(f"-o {target} and --format {format} contradict each other.")
        results = [target]
    for one in results:
        _check_place(one)
    for picture, one in zip(pictures, results, strict=True):
        if (first := pictures[results.index(one)]) != picture:
            raise InputError(f"{first} and {picture} would both become {one}; enlarge them one by one, or rename one.")
    return results


def without_results(pictures: Sequence[Path], results: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The same without pictures that are the results of others: a pattern finds those of an earlier command too."""
    made = {one.absolute() for one, picture in zip(results, pictures, strict=True) if one.absolute() != picture.absolute()}
    kept = [pair for pair in zip(pictures, results, strict=True) if pair[0].absolute() not in made]
    return [picture for picture, _ in kept], [result for _, result in kept]


def _matched(given: str) -> list[Path]:
    path = Path(given)
    if not given:
        raise InputError("the name of a picture is empty.")
    if path.exists():
        return [path]
    if not glob.has_magic(given):
        raise InputError(f"{given}: no such file or folder.")
    found = [Path(one) for one in sorted(glob.glob(os.path.expanduser(given), recursive=True))]
    pictures = [one for one in found if one.is_file() and is_image_name(one.name)]
    if not pictures:
        raise InputError(f"{given} matches no picture here.")
    return pictures


def _is_folder(output: str, target: Path, pictures: int) -> bool:
    """Whether `-o` names a folder, there or to be made."""
    if target.is_dir() or output.endswith(("/", os.sep)):
        return True
    if pictures == 1:
        if not target.suffix:
            raise InputError(f"-o {output}: name a file with its format, {output}.png, or a folder, {output}/.")
        return False
    if target.exists() or target.suffix.lower() in WRITTEN:
        raise InputError(f"-o {output} is one file, and {pictures} pictures are to be enlarged; give a folder.")
    return True


def _result_name(picture: Path, suffix: str, format: str | None) -> str:
    ending = picture.suffix if picture.suffix.lower() in WRITTEN else ".png"
    return f"{picture.stem}{suffix}{ending if format is None else f'.{format}'}"


def _check_place(target: Path) -> None:
    """InputError where nothing can be written there."""
    if obstacle := in_the_way(target.parent):
        raise InputError(f"{target} cannot be written: {obstacle}.")
    folder = existing_parent(target if target.is_dir() else target.parent)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{target} cannot be written: {folder} does not allow it. Choose another folder with -o.")
