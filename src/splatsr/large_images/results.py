"""What an upscaling makes: which file of which image, and what becomes of files that are there already."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from splatsr.errors import InputError
from splatsr.image_files.folder import find_images
from splatsr.image_files.formats import check_writable
from splatsr.image_files.image_file import ImageFile
from splatsr.image_files.memory import check_memory
from splatsr.image_files.opened import opened
from splatsr.image_files.result_names import Naming

EXISTING = ("refuse", "skip", "overwrite")


class Result(NamedTuple):
    """A file that is to be made, and the image that it is made of."""

    source: Path
    target: Path


def one_result(source: Path, target: Path) -> Result:
    """Of an image file.

    Raises:
        InputError: there is no such image, or `target` is a folder, the image itself, or of a format that is not written.
    """
    if not source.exists():
        raise InputError(f"{source}: no such file or folder; input takes one of them (*.png is not expanded).")
    if target.is_dir():
        raise InputError(f"output {target} is a folder; name the image that is to be made: output={target / source.name}.")
    check_writable(target)
    if target.exists() and target.samefile(source):
        raise InputError(f"output {target} is the input itself; choose another output.")
    return Result(source, target)


def results_of_files(sources: Sequence[str], target: str | Sequence[str], naming: Naming) -> list[Result]:
    """Of several image files: to the files `target`, one for each, or by names of their own into the folder `target`.

    Raises:
        InputError: as `one_result`; the lists are not equally long; two results would be one file, or one of the sources.
    """
    if isinstance(target, str):
        targets = [Path(target) / naming.name(Path(Path(source).name)) for source in sources]
    elif len(target) == len(sources):
        targets = [Path(one) for one in target]
    else:
        raise InputError(f"input has {len(sources)} images and output {len(target)}; give as many, or one folder.")
    results = [one_result(Path(source), one) for source, one in zip(sources, targets, strict=True)]
    _check_distinct(results)
    return results


def results_of_folder(source: Path, target: Path, naming: Naming) -> list[Result]:
    """Of every image below the folder `source`, at the same place below `target`, in the order of `find_images`.

    Raises:
        InputError: there are no images; `target` is a file, or lies in `source`, where results would count as images; two
            results would be one file, or one of the sources.
    """
    if target.exists() and not target.is_dir():
        raise InputError(f"output {target} is a file; of a folder of images a folder is made.")
    if _real(target).is_relative_to(_real(source)):
        raise InputError(
            f"output {target} lies in the input folder {source}, and the next command would take results for images: choose a "
            "folder outside."
        )
    results = [Result(path, target / naming.name(path.relative_to(source))) for path in find_images(source)]
    _check_distinct(results)
    return results


def check_existing(results: Iterable[Result]) -> None:
    """InputError where a result is there already, whatever it is."""
    planned = list(results)
    there = [result.target for result in planned if result.target.exists()]
    if there and len(planned) == 1:
        raise InputError(f"{there[0]} exists already: choose another output, or set existing=skip or existing=overwrite.")
    if there:
        raise InputError(
            f"{len(there)} of {len(planned)} results exist already, first {there[0]}: choose another output folder, or set "
            "existing=skip or existing=overwrite."
        )


def is_done(target: Path, size: tuple[int, int]) -> bool:
    """Whether `target` is there, a whole image of this (height, width).

    Raises:
        InputError: it is there, and something else.
    """
    if not target.exists():
        return False
    try:
        with opened(target) as file:
            found = file.size
            if found == size and _fits(file):
                file.decode()
    except InputError as error:
        raise InputError(f"{str(error).removesuffix('.')} and is there already; existing=overwrite replaces it.") from error
    if found != size:
        raise InputError(
            f"{target} is there already as {found[1]}x{found[0]}, not {size[1]}x{size[0]}; existing=overwrite replaces it."
        )
    return True


def _real(path: Path) -> Path:
    """Without links; of one that leads to itself, which `Path.resolve` refuses, its own place."""
    return Path(os.path.realpath(path))


def _check_distinct(results: list[Result]) -> None:
    sources = {_real(result.source) for result in results}
    of: dict[Path, Path] = {}
    for source, target in results:
        if _real(target) in sources:
            raise InputError(
                f"the result of {source} would take the place of the image {target}; choose another output folder."
            )
        if (other := of.setdefault(target, source)) != source:
            raise InputError(f"{other} and {source} would both become {target}; rename one of them.")


def _fits(file: ImageFile) -> bool:
    """Whether it can be decoded here; results may be larger than memory."""
    try:
        check_memory(file)
    except InputError:
        return False
    return True
