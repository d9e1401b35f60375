"""job=upscale: enlarges an image of any size, several of them, or every image of a folder."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le
from rich.markup import escape

from splatsr.checkpoints.choice import choose_model
from splatsr.disk.folder_lock import check_free
from splatsr.disk.leftovers import remove_leftovers
from splatsr.disk.whole_file import check_place
from splatsr.errors import InputError
from splatsr.geometry import Output, distorted, resolve_output
from splatsr.image.model import Model
from splatsr.image_files.exif import with_size
from splatsr.image_files.format_limits import as_format_holds
from splatsr.image_files.one_line import one_line
from splatsr.image_files.picture import read_picture
from splatsr.image_files.reading import image_size
from splatsr.image_files.result_names import Naming, check_format
from splatsr.image_files.strip_files import Layout, write_strips
from splatsr.large_images.memory import is_exhausted
from splatsr.large_images.renderer import Renderer
from splatsr.large_images.results import (
    EXISTING,
    Result,
    check_existing,
    is_done,
    one_result,
    results_of_files,
    results_of_folder,
)
from splatsr.large_images.room import check_room
from splatsr.large_images.with_alpha import enlarged_strips
from splatsr.runs.lines import print_line
from splatsr.runs.progress import along, share_done

log = logging.getLogger(__name__)

WHOLE = 40
"""Bytes per LR pixel of an image that is not encoded in tiles: levels, values of three channels, and copies of both."""

RENDERED = 48
"""Bytes per output pixel of an image that comes in one piece: float, a clamped and an 8-bit copy."""


def upscale(
    *,
    model: Mapping[str, Any],
    checkpoint: str | None,
    input: str | int | Sequence[str] | None,
    output: str | int | Sequence[str] | None,
    existing: str | None,
    format: str | None,
    suffix: str | None,
    quality: Annotated[int, Ge(1), Le(100)] | None,
    scale: Any,
    size: Any,
    fit: Any,
    tile: Any,
    device: str,
    precision: str,
) -> None:
    """Arguments are the root keys of conf/run.yaml. One of several files that fails is one line, the rest is done.

    Grey stays grey and 16 bits stay 16; alpha is enlarged by the bicubic rule, colors are continued into what is
    transparent; profile and EXIF are kept (orientation is applied, sizes are the result's). What the format has no place for
    is lost, with a line.

    Raises:
        InputError: whatever the user can put right: for a single image before the network runs, at the end where some of
            several files have failed.
    """
    if input is None or output is None:
        raise InputError("job=upscale needs input=<image or folder> and output=<image or folder>.")
    if existing not in (None, *EXISTING):
        raise InputError(f"existing must be {', '.join(EXISTING)} or null; got {existing}.")
    wanted = {"size": size, "scale": scale, "fit": fit}
    resolve_output((10**6, 10**6), **wanted)  # a wrong value shows before anything is loaded
    check_format(format)
    results = _results(input, output, Naming("" if suffix is None else suffix, format))
    is_folder = isinstance(input, str | int) and Path(str(input)).is_dir()
    are_several = is_folder or not isinstance(input, str | int)
    existing = existing or ("skip" if are_several else "refuse")
    if existing == "refuse":
        check_existing(results)
    job = _Upscaling(wanted, existing, quality)
    if not are_several:
        if job.remains(results[0]):
            renderer = _renderer(choose_model(checkpoint, model, device, precision), tile, precision)
            with share_done(f"upscaling {escape(one_line(results[0].source.name))}") as progress:
                job.enlarge(renderer, results[0], progress)
        else:
            print_line(f"{results[0].target} is there already and is kept")
        return
    if is_folder:
        remove_leftovers(Path(str(output)))
    failures = _Failures()
    remaining = [result for result in along(results, len(results), "looking") if failures.goes_well(job.remains, result)]
    if job.kept:
        print_line(f"{job.kept} of {len(results)} results are there already and are kept")
    if remaining:
        renderer = _renderer(choose_model(checkpoint, model, device, precision), tile, precision)
        with share_done("upscaling") as progress:
            for index, result in enumerate(remaining):
                failures.goes_well(job.enlarge, renderer, result, _part(progress, index, len(remaining)))
    if failures.count:
        others = "; the others are done" if failures.count < len(results) else ""
        raise InputError(f"{failures.count} of {len(results)} images failed (named above){others}.")


def _renderer(model: Model, tile: Any, precision: str) -> Renderer:
    model.continue_images()
    return Renderer(model, tile, automatic=precision == "auto")


def _part(progress: Callable[[float], None], index: int, count: int) -> Callable[[float], None]:
    """What is told of one of several images, as a share of all of them."""
    return lambda share: progress((index + share) / count)


def _results(input: str | int | Sequence[str], output: str | int | Sequence[str], naming: Naming) -> list[Result]:
    """What is to be made; InputError as `large_images.results`, and where another process works in the folder."""
    if isinstance(input, str | int):
        if not isinstance(output, str | int):
            raise InputError("output is a list of images, which only goes with a list as input; name one image, or a folder.")
        source, target = Path(str(input)), Path(str(output))  # Hydra takes a name of digits for a number
        check_free(target if source.is_dir() else target.parent)
        return results_of_folder(source, target, naming) if source.is_dir() else [_named(one_result(source, target), naming)]
    results = results_of_files(input, str(output) if isinstance(output, str | int) else output, naming)
    for folder in {result.target.parent for result in results}:
        check_free(folder)
    return results


def _named(result: Result, naming: Naming) -> Result:
    """The result; InputError where its name is given, and how to name it too."""
    if naming != Naming():
        raise InputError(
            f"format and suffix name the results of a folder; the only result here is named already, {result.target}."
        )
    return result


class _Failures:
    """Counts what has failed, and says each on one line."""

    def __init__(self) -> None:
        self.count = 0

    def goes_well(self, function: Callable[..., bool], *arguments: Any) -> bool:
        """What the function returns; False, with a line, where it refuses."""
        try:
            return function(*arguments)
        except InputError as error:
            self.count += 1
            print_line(f"skipped: {error}", error=True)
            return False


class _Upscaling:
    """One image after the other.

    Args:
        wanted: size, scale or fit.
        existing: what becomes of results that are there.
        quality: of formats that have one.
    """

    def __init__(self, wanted: Mapping[str, Any], existing: str, quality: int | None) -> None:
        self.wanted, self.existing, self.quality, self.kept = wanted, existing, quality, 0

    def remains(self, result: Result) -> bool:
        """Whether the result is still to be made; InputError where something else is there, or the source is no image."""
        output = resolve_output(image_size(result.source), **self.wanted)
        check_place(result.target)
        if result.target.is_dir():
            raise InputError(f"{result.target} is a folder; it stands where the result of {result.source} belongs.")
        if self.existing != "skip" or not is_done(result.target, output.size):
            return True
        self.kept += 1
        return False

    def enlarge(self, renderer: Renderer, result: Result, progress: Callable[[float], None]) -> bool:
        """Makes the result and says so; InputError where that is not possible."""
        source, target = result
        began = time.monotonic()
        output = resolve_output(image_size(source), **self.wanted)
        if self._has_come(target, output.size):
            return True
        _check_room(result, output, renderer)
        picture = read_picture(source)
        picture, lost = as_format_holds(picture, target)
        for what in lost:
            print_line(f"{source}: {what}")
        if picture.was is not None:
            print_line(f"{source} holds {picture.was}; its enlargement is {picture.kind}")
        colors, alpha = picture.colors, picture.alpha
        strips = enlarged_strips(renderer, colors, alpha, output, progress)
        channels = colors.shape[2] + (alpha is not None)
        layout = Layout(output.size, channels, 8 * colors.itemsize)
        extras = picture.extras._replace(exif=with_size(picture.extras.exif, output.size))
        try:
            write_strips(target, strips, layout, extras, quality=self.quality, replace=self.existing == "overwrite")
        except InputError:
            if self._has_come(target, output.size):
                return True
            raise
        except (MemoryError, RuntimeError) as error:
            if is_exhausted(error):
                raise InputError(f"{source}: memory has run out. Close other programs, or choose a smaller scale.") from error
            raise
        (height, width), (lr_height, lr_width) = output.size, colors.shape[:2]
        log.info("%s: %s", one_line(source), renderer.model.rendering)
        if self.wanted["size"] is not None and (distortion := distorted((lr_height, lr_width), output)):
            print_line(f"{source}: {distortion}")
        spent = time.monotonic() - began
        print_line(f"{source} ({lr_width}x{lr_height}) -> {target} ({width}x{height}) in {spent:.1f} s")
        return True

    def _has_come(self, target: Path, size: tuple[int, int]) -> bool:
        """Whether another command has made the result since `remains`, and it is to be kept; with a line."""
        if self.existing != "skip" or not is_done(target, size):
            return False
        print_line(f"{target} has been made by another command meanwhile and is kept")
        return True


def _check_room(result: Result, output: Output, renderer: Renderer) -> None:
    """InputError as `check_room`, with the memory that an image takes which comes, or is encoded, as a whole."""
    lr_size = image_size(result.source)
    held = 0 if renderer.in_strips(lr_size) else RENDERED * math.prod(output.size)
    held += 0 if renderer.tiling is not None else WHOLE * math.prod(lr_size)
    check_room(result, output.size, held=held + int(renderer.least_memory(lr_size, output)))
