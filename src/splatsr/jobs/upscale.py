"""job=upscale: enlarges an image of any size, or every image of a folder."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from jaxtyping import UInt8
from rich.console import Console

from splatsr.checkpoints.choice import choose_model
from splatsr.disk.free_space import check_free_space
from splatsr.errors import InputError
from splatsr.geometry import resolve_output
from splatsr.image_files.folder import find_images
from splatsr.image_files.formats import check_writable
from splatsr.image_files.picture import read_picture
from splatsr.image_files.reading import image_size
from splatsr.image_files.strip_files import OPAQUE, STREAMED, longest_side, write_strips
from splatsr.large_images.memory import is_exhausted
from splatsr.large_images.renderer import Renderer
from splatsr.resize.pil import resize_rows
from splatsr.runs.progress import along, share_done

RENDERED, ENCODED = 48, 8
"""Bytes per output pixel of what has to be in memory as a whole: an image that comes in one piece (float, a clamped and an
8-bit copy), and one that goes to a format which cannot be written piece by piece (8-bit rows, Pillow's copy)."""

DEFLATED = 4
"""A PNG or TIFF of an enlarged photograph is rarely smaller than its pixels by more than this factor."""


def upscale(
    *,
    model: Mapping[str, Any],
    checkpoint: str | None,
    input: str | None,
    output: str | None,
    scale: Any,
    size: Any,
    tile: Any,
    device: str,
) -> None:
    """Arguments are the root keys of conf/run.yaml. Nothing is overwritten; a damaged file in a folder is reported, the
    rest is done.

    Alpha is enlarged by the bicubic rule, an RGB color profile and EXIF are kept (orientation is applied); formats
    that have no place for one of them lose it.

    Raises:
        InputError: whatever the user can put right; for a single image before the network runs.
    """
    if input is None or output is None:
        raise InputError("job=upscale needs input=<image or folder> and output=<image or folder>.")
    resolve_output((1000, 1000), size=size, scale=scale)  # a wrong value shows before anything is loaded
    source, target = Path(input), Path(output)
    renderer = Renderer(choose_model(checkpoint, model, device), tile)
    if not source.is_dir():
        with share_done(f"upscaling {source.name}") as progress:
            _enlarge(renderer, source, target, scale, size, progress)
        return
    jobs = [(path, target / path.relative_to(source)) for path in find_images(source)]
    if existing := [str(result) for _, result in jobs if result.exists()]:
        raise InputError(
            f"{len(existing)} of {len(jobs)} results exist already, first {existing[0]}: choose another output folder."
        )
    failures = []
    for path, result in along(jobs, len(jobs), "upscaling"):
        try:
            _enlarge(renderer, path, result, scale, size, lambda _: None)
        except InputError as error:
            failures.append(str(error))
            Console(stderr=True).print(f"skipped: {error}", soft_wrap=True)
    if failures:
        raise InputError(f"{len(failures)} of {len(jobs)} images failed (named above); the others are in {target}.")


def _enlarge(renderer: Renderer, source: Path, target: Path, scale: Any, size: Any, progress: Callable[[float], None]) -> None:
    check_writable(target)
    if target.exists():
        raise InputError(f"{target} exists already; nothing is overwritten, choose another output.")
    output = resolve_output(image_size(source), size=size, scale=scale)
    _check_room(target, output.size, in_strips=renderer.in_strips)
    picture = read_picture(source)
    strips = renderer.strips(picture.rgb, output, progress)
    channels = 3
    if picture.alpha is not None and target.suffix.lower() in OPAQUE:
        Console().print(f"{source}: its alpha is dropped, {target.suffix} files have none", soft_wrap=True)
    elif picture.alpha is not None:
        strips, channels = _with_alpha(strips, picture.alpha, output.size), 4
    try:
        write_strips(target, strips, output.size, channels, picture.extras)
    except (MemoryError, RuntimeError) as error:
        if is_exhausted(error):
            raise InputError(f"{source}: memory has run out. Close other programs, or choose a smaller scale.") from error
        raise
    (height, width), (lr_height, lr_width) = output.size, picture.rgb.shape[:2]
    line = f"{source} ({lr_width}x{lr_height}) -> {target} ({width}x{height}; {renderer.model.rendering})"
    Console().print(line, soft_wrap=True)


def _with_alpha(
    strips: Iterator[UInt8[np.ndarray, "rows width 3"]], alpha: UInt8[np.ndarray, "h w"], size: tuple[int, int]
) -> Iterator[UInt8[np.ndarray, "rows width 4"]]:
    top = 0
    for strip in strips:
        bottom = top + len(strip)
        yield np.dstack([strip, resize_rows(alpha, size, (top, bottom))])
        top = bottom


def _check_room(target: Path, size: tuple[int, int], *, in_strips: bool) -> None:
    """InputError if the output fits neither format, nor memory (where it must be there as a whole), nor the disk."""
    (height, width), suffix = size, target.suffix.lower()
    if (longest := longest_side(suffix)) is not None and max(size) > longest:
        raise InputError(f"an output of {width}x{height} pixels does not fit into a {suffix} file; use .png or .tif.")
    needed = height * width * ((0 if in_strips else RENDERED) + (0 if suffix in STREAMED else ENCODED))
    free = psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"an output of {width}x{height} pixels needs about {needed / 2**30:.1f} GiB of memory, "
            f"{free / 2**30:.1f} GiB are free: use a smaller scale or size{'' if suffix in STREAMED else ', or .png'}."
        )
    if suffix in STREAMED:
        check_free_space(
            target,
            3 * height * width / DEFLATED,
            content=f"the {width}x{height} pixels of the output",
            remedy="use a smaller scale or size, or another folder",
        )
