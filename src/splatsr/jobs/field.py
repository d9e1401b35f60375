"""job=field: a picture becomes a field's file, which job=render makes pictures of any size of, without the model."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le
from rich.markup import escape

from splatsr.checkpoints.choice import choose_model
from splatsr.disk.folder_lock import check_free
from splatsr.disk.free_space import in_words
from splatsr.disk.whole_file import check_place
from splatsr.errors import InputError
from splatsr.image.splat_file import SUFFIX, write_bands, write_splat
from splatsr.image_files.one_line import one_line
from splatsr.image_files.picture import Picture, read_picture
from splatsr.image_files.reading import image_size
from splatsr.image_files.transparent import continued_colors
from splatsr.large_images.memory import is_exhausted
from splatsr.large_images.renderer import Renderer
from splatsr.resize.levels import Levels
from splatsr.runs.lines import print_line
from splatsr.runs.progress import share_done


def field(
    *,
    model: Mapping[str, Any],
    checkpoint: str | None,
    input: str | int | Sequence[str] | None,
    output: str | int | Sequence[str] | None,
    bits: Annotated[int, Ge(8), Le(16)],
    tile: Any,
    device: str,
    precision: str,
) -> None:
    """Arguments are the root keys of conf/run.yaml. Pictures of any size, in bounded memory where the model works in tiles.

    A field holds RGB alone: alpha and profile are dropped, with a line; colors are continued into what is transparent. The
    networks compute in float32 unless `precision` says otherwise: nobody knows yet at what scales the file will be rendered.

    Raises:
        InputError: whatever the user can put right, before the network runs.
    """
    if not isinstance(input, str | int) or not isinstance(output, str | int):
        raise InputError(f"job=field needs input=<image> and output=<file>{SUFFIX}, one of each.")
    source, target = Path(str(input)), Path(str(output))  # Hydra takes a name of digits for a number
    _check_names(source, target)
    image_size(source)  # what is no image shows before anything is loaded
    check_free(target.parent)
    chosen = choose_model(checkpoint, model, device, precision)
    chosen.continue_images()
    renderer = Renderer(chosen, tile)
    if not renderer.makes_fields:
        raise InputError(
            f"{type(chosen).__name__} makes no field of kernels; choose a model that does, such as checkpoint=tiny."
        )
    began = time.monotonic()
    picture = read_picture(source)
    for what in _lost(picture):
        print_line(f"{source}: {what}")
    colors = picture.colors if picture.alpha is None else continued_colors(picture.colors, picture.alpha)
    with share_done(f"encoding {escape(one_line(source.name))}") as progress:
        kernels, length = _written(renderer, colors, target, bits, progress, source)
    height, width = colors.shape[:2]
    print_line(
        f"{source} ({width}x{height}) -> {target} ({kernels} kernels, {in_words(length)}, {length / kernels:.1f} bytes a "
        f"kernel) in {time.monotonic() - began:.1f} s"
    )


def _check_names(source: Path, target: Path) -> None:
    if source.is_dir() or target.is_dir():
        raise InputError(f"{source if source.is_dir() else target} is a folder; job=field makes a file of one picture.")
    if not source.exists():
        raise InputError(f"{source}: no such file; job=field makes a field of a picture.")
    if target.suffix.lower() != SUFFIX:
        raise InputError(f"{target}: a field's file ends in {SUFFIX}; name it {target.with_suffix(SUFFIX)}.")
    check_place(target)
    if target.exists():
        raise InputError(f"{target} exists already; nothing is overwritten, choose another output.")


def _lost(picture: Picture) -> list[str]:
    """What of a picture a field has no place for, in words."""
    lost = []
    if picture.alpha is not None:
        lost.append("its alpha is dropped, a field has none")
    if picture.extras.icc_profile is not None:
        lost.append("its color profile is dropped, colors are taken as they are")
    if picture.was is not None:
        lost.append(f"it holds {picture.was}; its field is of RGB")
    return lost


def _written(
    renderer: Renderer, colors: Levels, target: Path, bits: int, progress: Callable[[float], None], source: Path
) -> tuple[int, int]:
    """(Kernels, bytes) of the file."""
    try:
        bands = renderer.bands(colors, progress)
        if renderer.tiling is not None:
            size = colors.shape[0], colors.shape[1]
            return write_bands(target, bands, size=size, margin=renderer.margin, bits=bits)
        (whole,) = bands
        return write_splat(target, whole.content, bits, replace=False)
    except (MemoryError, RuntimeError) as error:
        if is_exhausted(error):
            raise InputError(f"{source}: memory has run out. Close other programs, or take a smaller picture.") from error
        raise
