"""`splatsr view`: writes a page that zooms into pictures; what can be checked is, before torch is imported."""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from splatsr.commands.arguments import Parser
from splatsr.commands.pictures import find_pictures
from splatsr.devices import DEVICES
from splatsr.errors import InputError
from splatsr.image_files.folder import is_image_name
from splatsr.released.catalogue import DEFAULT, catalogue, check_name
from splatsr.simd.idle_threads import let_idle_threads_sleep

if TYPE_CHECKING:
    from splatsr.viewer.network import Network

T = TypeVar("T")

LARGE, LARGEST = 20_000_000, 400_000_000
"""Bytes of a page that there is a warning about, and that browsers no longer take."""

PER_PIXEL = {"float16": 40, "float32": 120}
"""Bytes of a page per LR pixel and model, about: what four kernels take as base64."""

LONGEST = 4000
"""LR pixels along a side, of which each has two kernels: what `planes.LARGEST_SIDE` holds, margins included."""

_ABOUT = """\
Writes one HTML file that shows pictures as continuous images: zoom in as far as you like, beside bicubic interpolation, and see
the kernels. It opens from the disk, in any current browser, without a network."""

_EXAMPLES = """\
examples:
  splatsr view photo.png                        makes photo.html
  splatsr view photo.png --reduce 4             of the picture made 4 times smaller, with the original beside it
  splatsr view photo.png --compare big.png      with another picture of the same scene beside it
  splatsr view photo.png --compare other.ckpt   with another model beside it
  splatsr view photos -o zoom.html              every picture of a folder, to choose from
  splatsr view photo.splat                      a field that GaussianField.save or job=field wrote
  splatsr view outputs/demo                     the model of a run, on photographs that come along
  splatsr view --with-model tiny -o page.html   a page that runs the model itself: drop any picture into it
"""


def view(arguments: Sequence[str]) -> None:
    """Runs the command.

    Raises:
        InputError: an argument cannot be meant, something cannot be read, makes no kernels, or is too large for a page.
    """
    options = _parser().parse_args(arguments)
    if not options.inputs and options.with_model is None:
        raise InputError("the following arguments are required: PICTURE, or --with-model.")
    for option in ("model", "compare", "reduce"):
        if not options.inputs and getattr(options, option):
            raise InputError(f"--{option} is for pictures of the page, and none is given.")
    given = [Path(one) for one in options.inputs]
    run = given[0] if len(given) == 1 and (given[0] / "model.safetensors").is_file() else None
    is_field = len(given) == 1 and given[0].is_file() and not is_image_name(given[0].name)
    if options.inputs and run is None and not is_field:
        given = _pictures(options.inputs)
    target = Path(options.output or f"{_title(given, options.with_model)}.html")
    _check_target(target, given, options.existing)
    reduce = 1 if options.reduce is None else _whole(options.reduce, "--reduce", 2, 64)
    if is_field and (options.model is not None or options.reduce is not None):
        raise InputError(f"{given[0]} is a field, made already; --model and --reduce are for pictures.")
    model = options.model or (str(run / "model.safetensors") if run is not None else options.with_model or DEFAULT)
    for one in [*([] if is_field else [model]), *([] if options.with_model is None else [options.with_model])]:
        check_name(one)
    for one in options.compare:
        if not Path(one).exists():
            check_name(one)
    sources = [] if is_field else _photographs() if run is not None else given
    _write(target, given[0] if is_field else None, sources, model, max(reduce, 4 if run is not None else 1), options)


def _write(
    target: Path, field_file: Path | None, sources: Sequence[Path], model: str, reduce: int, options: argparse.Namespace
) -> None:
    let_idle_threads_sleep()
    from splatsr.disk.whole_file import write_text  # from here on torch, a second
    from splatsr.image_files.reading import read_image
    from splatsr.viewer.page import page_of
    from splatsr.viewer.subjects import Others, subject_of_field, subjects_of_pictures

    others = Others.of(options.compare, options.device, is_only=field_file is not None or len(sources) == 1)
    unread = _Unread(len(sources))
    if field_file is not None:
        subjects = [subject_of_field(field_file, others)]
    else:
        kept = unread.without(sources, lambda source: _check_side(source, reduce))
        _check_size(kept, reduce, 1 + len(others.models), options.precision)
        named = [(path.name, pixels) for path, pixels in unread.without(kept, read_image).items()]
        subjects = subjects_of_pictures(named, model, reduce, others, options.device) if named else []
    network = None if options.with_model is None else _network(options.with_model)
    text = page_of(subjects, title=target.stem, precision=options.precision, network=network)
    if len(text) > LARGEST:
        raise InputError(f"{target} would have {len(text) / 1e6:.0f} MB, and browsers take {LARGEST / 1e6:.0f}: none is made.")
    if len(text) > LARGE:
        sys.stderr.write(f"warning: {target} has {len(text) / 1e6:.0f} MB; browsers take a while to open it.\n")
    if options.existing != "overwrite" and target.exists():
        raise InputError(f"{target} has come to exist meanwhile; use --existing overwrite.")
    write_text(target, text)
    what = subjects[0].name if len(subjects) == 1 else f"{len(subjects)} pictures" if subjects else options.with_model
    sys.stdout.write(f"{what} -> {target} ({len(text) / 1e6:.1f} MB): open it in a browser\n")
    if unread.count:
        raise InputError(f"{unread.count} of {len(sources)} pictures are not in it (named above).")


class _Unread:
    """Counts which of several pictures cannot be shown, and says each on one line; of a single one that is the end."""

    def __init__(self, pictures: int) -> None:
        self.count, self._pictures = 0, pictures

    def without(self, sources: Iterable[Path], read: Callable[[Path], T]) -> dict[Path, T]:
        """What `read` returns of the pictures that it does not refuse; InputError where that is none of them."""
        kept = {}
        for source in sources:
            try:
                kept[source] = read(source)
            except InputError as error:
                if self._pictures == 1:
                    raise
                self.count += 1
                sys.stderr.write(f"skipped: {error}\n")
        if self.count == self._pictures > 0:
            raise InputError(f"none of {self._pictures} pictures can be shown (named above).")
        return kept


def _network(model: str) -> "Network":
    """The model for the page to run."""
    from splatsr.checkpoints.choice import choose_model
    from splatsr.released.licence import licence_of
    from splatsr.viewer.network import network_of
    from splatsr.viewer.subjects import name_of

    chosen = choose_model(model, {}, "cpu")
    chosen.continue_images()
    return network_of(chosen, name=name_of(model), licence=licence_of(model))


def _title(given: Sequence[Path], with_model: str | None) -> str:
    """What a page is called where nothing else is said."""
    if not given:
        return Path(str(with_model)).stem
    return given[0].resolve().stem if len(given) == 1 else "pictures"


def _check_side(source: Path, reduce: int) -> tuple[int, int]:
    """A picture's height and width, from its header; InputError where it has none, or is too small or too large."""
    from splatsr.image_files.reading import image_size
    from splatsr.viewer.planes import LARGEST_SIDE

    height, width = image_size(source)
    if min(height, width) < reduce:
        raise InputError(f"{source} has {width}x{height} pixels, too few for --reduce {reduce}.")
    if max(height, width) > min(reduce * LONGEST, LARGEST_SIDE):
        raise InputError(
            f"{source} has {width}x{height} pixels; the page shows at most {LONGEST} a side, and {LARGEST_SIDE} of what it is "
            "reduced from (--reduce): cut it."
        )
    return height, width


def _check_size(sizes: Mapping[Path, tuple[int, int]], reduce: int, models: int, precision: str) -> None:
    """InputError where no browser would take the page."""
    pixels = sum((height // reduce) * (width // reduce) for height, width in sizes.values())
    size = pixels * models * PER_PIXEL[precision]
    if size > LARGEST:
        raise InputError(
            f"a page of {pixels / 1e6:.1f} million pixels would have about {size / 1e6:.0f} MB, and browsers take "
            f"{LARGEST / 1e6:.0f}: give fewer or smaller pictures, or --reduce."
        )


def _parser() -> Parser:
    parser = Parser("view", usage="splatsr view [PICTURE ...] [-o PAGE] [options]", about=_ABOUT, examples=_EXAMPLES)
    parser.add_argument(
        "inputs", nargs="*", metavar="PICTURE", help="image files, a folder of them, a saved field, or the folder of a run"
    )
    parser.add_argument("-o", "--output", metavar="PAGE", help="an .html file; default: beside you, named after the picture")
    names = ", ".join(catalogue())
    parser.add_argument(
        "--model",
        metavar="NAME|FILE",
        help=f"{names}, a file (.safetensors, .ckpt, .pth) or hf:owner/name; default: {DEFAULT}, or the run's",
    )
    parser.add_argument(
        "--with-model",
        metavar="NAME|FILE",
        help="a model that the page runs itself, on pictures dropped into it: nothing is uploaded (splatsr[export], npm once)",
    )
    parser.add_argument(
        "--compare",
        action="append",
        default=[],
        metavar="WHAT",
        help="another model, a picture of the same scene, or a saved field, to see at the same zoom; may be given again",
    )
    parser.add_argument(
        "--reduce", metavar="N", help="makes the pictures N times smaller first (Pillow's bicubic), and shows the originals too"
    )
    parser.add_argument(
        "--precision",
        choices=list(PER_PIXEL),
        default="float16",
        metavar="P",
        help="of the kernels in the page: float16, or float32 (three times as large); default: float16",
    )
    parser.add_argument(
        "--existing",
        choices=["refuse", "overwrite"],
        default="refuse",
        metavar="WHAT",
        help="what happens to a page that is there: refuse or overwrite; default: refuse",
    )
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", metavar="D", help=f"{', '.join(DEVICES)}; default: auto (cuda, or cpu)"
    )
    return parser


def _pictures(inputs: Sequence[str]) -> list[Path]:
    """The pictures that are named, matched, or in the folder."""
    for one in inputs:
        if re.match(r"\w+=", one) and not Path(one).exists():
            raise InputError(f"{one} is a setting, and this command takes options: `splatsr view --help`.")
    found = find_pictures(inputs)
    if not found[0].is_dir():
        if (other := next((path for path in found if not is_image_name(path.name)), None)) is not None:
            raise InputError(f"{other} is no picture; a saved field, or a run, is given alone.")
        return found
    from splatsr.image_files.folder import find_images

    return find_images(found[0])


def _photographs() -> list[Path]:
    """What the model of a run is shown on: the photographs that come along, in color, and that no training sees."""
    from splatsr.data.photos import held_out_photographs

    return [path for paths in held_out_photographs().values() for path in paths if path.stem != "camera"]


def _check_target(target: Path, sources: Sequence[Path], existing: str) -> None:
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"-o {target}: the page is an HTML file; name it {target.with_suffix('.html')}.")
    if target.is_dir():
        raise InputError(f"-o {target} is a folder; name a file, such as {target / 'page.html'}.")
    if target.exists() and existing == "refuse":
        raise InputError(f"{target} exists already: choose another page with -o, or use --existing overwrite.")


def _whole(text: str, option: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise InputError(f"{option} {text}: expected a whole number from {least} to {most}.")
    return int(text)
