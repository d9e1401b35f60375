"""job=render: a field's file becomes a picture of any size, or of a window of it; no model is needed."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le
from PIL import Image
from rich.markup import escape

from splatsr.checkpoints.choice import choose_device
from splatsr.disk.folder_lock import check_free
from splatsr.disk.whole_file import check_place
from splatsr.errors import InputError
from splatsr.geometry import Output, distorted, resolve_output
from splatsr.image.field import GaussianField
from splatsr.image.field_on_disk import FieldOnDisk, WindowInStrips, open_field
from splatsr.image_files.folder import is_image_name
from splatsr.image_files.formats import check_writable
from splatsr.image_files.one_line import one_line
from splatsr.image_files.picture import Extras
from splatsr.image_files.strip_files import Layout, write_strips
from splatsr.large_images.field_strips import field_strips
from splatsr.large_images.memory import is_exhausted
from splatsr.large_images.results import EXISTING, Result, check_existing, is_done
from splatsr.large_images.room import check_room
from splatsr.runs.lines import print_line
from splatsr.runs.progress import share_done


def render(
    *,
    input: str | int | Sequence[str] | None,
    output: str | int | Sequence[str] | None,
    existing: str | None,
    quality: Annotated[int, Ge(1), Le(100)] | None,
    scale: Any,
    size: Any,
    fit: Any,
    window: Any,
    device: str,
) -> None:
    """Arguments are the root keys of conf/run.yaml. Of a .splat file the rows are read that are being rendered.

    Raises:
        InputError: whatever the user can put right, before anything is rendered; and where the file turns out to be damaged.
    """
    if not isinstance(input, str | int) or not isinstance(output, str | int):
        raise InputError("job=render needs input=<field>.splat and output=<image>, one of each.")
    if existing not in (None, *EXISTING):
        raise InputError(f"existing must be {', '.join(EXISTING)} or null; got {existing}.")
    result = Result(Path(str(input)), Path(str(output)))  # Hydra takes a name of digits for a number
    _check_names(result)
    if existing in (None, "refuse"):
        check_existing([result])
    field = _one_image(open_field(result.source, choose_device(device)), result)
    image = field if window is None else WindowInStrips(field, tuple(window[0]), tuple(window[1]))
    wanted = {"size": size, "scale": scale, "fit": fit}
    made = resolve_output(image.size, **wanted)
    if window is not None:  # it renders by its true ratio, as `field.window`
        made = Output(made.size, (made.size[0] / image.size[0], made.size[1] / image.size[1]))
    if existing == "skip" and is_done(result.target, made.size):
        print_line(f"{result.target} is there already and is kept")
        return
    check_free(result.target.parent)
    check_room(result, made.size, held=0)
    began = time.monotonic()
    _write(result, image, made, quality, replace=existing == "overwrite")
    (height, width), (lr_height, lr_width) = made.size, image.size
    if size is not None and (distortion := distorted(image.size, made)):
        print_line(f"{result.source}: {distortion}")
    spent = time.monotonic() - began
    print_line(f"{result.source} ({lr_width:g}x{lr_height:g}) -> {result.target} ({width}x{height}) in {spent:.1f} s")


def _check_names(result: Result) -> None:
    source, target = result
    if source.is_dir() or target.is_dir():
        raise InputError(f"{source if source.is_dir() else target} is a folder; job=render makes an image of one field.")
    if is_image_name(source.name):
        raise InputError(f"{source} is a picture; job=render makes one of a field, and job=field a field of one.")
    check_writable(target)
    check_place(target)


def _one_image(field: FieldOnDisk | GaussianField, result: Result) -> FieldOnDisk | GaussianField:
    """The field; InputError where it is no picture."""
    images, channels = (len(field.means), field.colors.shape[2]) if isinstance(field, GaussianField) else (1, field.channels)
    if images != 1 or channels not in (1, 3):
        raise InputError(f"{result.source} holds {images} images of {channels} channels; a picture is one, of 1 or 3.")
    return field


def _write(
    result: Result, image: FieldOnDisk | GaussianField | WindowInStrips, made: Output, quality: int | None, *, replace: bool
) -> None:
    layout, extras = Layout(made.size, 3, 8), Extras(None, Image.Exif())
    try:
        with share_done(f"rendering {escape(one_line(result.source.name))}") as progress:
            write_strips(result.target, field_strips(image, made, progress), layout, extras, quality=quality, replace=replace)
    except (MemoryError, RuntimeError) as error:
        if is_exhausted(error):
            raise InputError(
                f"{result.source}: memory has run out. Close other programs, or choose a smaller scale."
            ) from error
        raise
