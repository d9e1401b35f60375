"""`splatsr upscale`: enlarges pictures, without Hydra; everything that can be checked is, before anything slow is imported."""

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path

from splatsr.commands.arguments import Parser
from splatsr.commands.pictures import find_pictures, name_results, without_results
from splatsr.commands.wanted_size import WantedSize, add_size_options, wanted_size
from splatsr.devices import DEVICES, PRECISIONS
from splatsr.errors import InputError
from splatsr.image_files.result_names import check_format
from splatsr.released.catalogue import DEFAULT, catalogue, check_name
from splatsr.simd.idle_threads import let_idle_threads_sleep

BICUBIC = "bicubic"
"""Named as a model: no network, for comparison."""

_EXAMPLES = """\
examples:
  splatsr upscale photo.png --scale 3.7               makes photo_x3.7.png
  splatsr upscale photo.png --scale 2 -o big.jpg      makes big.jpg
  splatsr upscale *.jpg --width 1920 -o large/        makes large/<name>_w1920.jpg of each
  splatsr upscale photos --fit 3840x2160              makes the folder photos_fit3840x2160

Of several pictures, results that are there already and have the right size are kept: the same command goes on where it stopped.
Grey stays grey and 16 bits stay 16; alpha, color profile and EXIF are kept. A line says what a format has no place for.
"""


def upscale(arguments: Sequence[str]) -> None:
    """Runs the command.

    Raises:
        InputError: an argument cannot be meant, or whatever `splatsr.jobs.upscale.upscale` refuses.
    """
    _refuse_settings(arguments)
    options = _parser().parse_args(arguments)
    wanted = wanted_size(options)
    check_format(options.format)
    quality = None if options.quality is None else _quality(options.quality)
    pictures = find_pictures(options.pictures)
    suffix = wanted.suffix if options.suffix is None else _name_part(options.suffix)
    pictures, results = without_results(pictures, name_results(pictures, options.output, suffix, options.format))
    if options.precision == "fp16" and options.device == "cpu":
        raise InputError("--precision fp16 is for GPUs; on a CPU use --precision bf16 or float32.")
    tile = options.tile if options.tile == "auto" else _side(options.tile)
    if options.model != BICUBIC:
        check_name(options.model)
    _check_results(pictures, results, options.existing)
    _enlarge(pictures, results, wanted, options, tile, quality)


def _enlarge(
    pictures: Sequence[Path],
    results: Sequence[Path],
    wanted: WantedSize,
    options: argparse.Namespace,
    tile: int | str,
    quality: int | None,
) -> None:
    let_idle_threads_sleep()
    from splatsr.jobs.upscale import upscale as job  # torch: a second

    one = len(pictures) == 1
    arguments = dict(
        model={"_target_": "splatsr.models.bicubic.Bicubic"},
        checkpoint=None if options.model == BICUBIC else options.model,
        input=str(pictures[0]) if one else [str(path) for path in pictures],
        output=str(results[0]) if one else [str(path) for path in results],
        existing=options.existing,
        format=options.format if pictures[0].is_dir() else None,
        suffix=options.suffix if pictures[0].is_dir() else None,
        quality=quality,
        scale=wanted.scale,
        size=wanted.size,
        fit=wanted.fit,
        tile=tile,
        device=options.device,
        precision=options.precision,
    )
    try:
        job(**arguments)
    except InputError as error:
        raise InputError(_as_options(str(error))) from error


def _as_options(text: str) -> str:
    """The settings of the job that a message names, as options: existing=skip is --existing skip."""
    text = re.sub(
        r"\b(existing|device|precision|tile|output|format|suffix|quality|scale|size|fit)=(?=[\w<./\[])", r"--\1 ", text
    )
    return re.sub(r"\bcheckpoint=(?=[\w<./])", "--model ", text)


def _parser() -> Parser:
    parser = Parser(
        "upscale",
        usage="splatsr upscale PICTURE [PICTURE ...] --scale N [-o OUTPUT] [options]",
        about="Enlarges pictures by any factor, or to any size.",
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "pictures", nargs="+", metavar="PICTURE", help="image files, a folder of them, or a pattern such as '*.png'"
    )
    add_size_options(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUTPUT",
        help="a file, or a folder; default: beside you, named after the picture and the size",
    )
    parser.add_argument("--format", metavar="F", help="png, jpg, tif, webp, avif, ...; default: that of the picture")
    parser.add_argument("--quality", metavar="Q", help="of JPEG, WebP and AVIF, 1 to 100; default: 95")
    parser.add_argument("--suffix", metavar="TEXT", help="what is added to the names of results; default: the size, as _x3.7")
    names = ", ".join(catalogue())
    parser.add_argument(
        "--model",
        default=DEFAULT,
        metavar="NAME|FILE",
        help=f"{names}, a file (.safetensors, .ckpt, .pth), hf:owner/name, or {BICUBIC} (no network); default: {DEFAULT}",
    )
    parser.add_argument(
        "--existing",
        choices=["refuse", "skip", "overwrite"],
        metavar="WHAT",
        help="what happens to results that are there: refuse, skip or overwrite; default: refuse for one picture, else skip",
    )
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", metavar="D", help=f"{', '.join(DEVICES)}; default: auto (cuda, or cpu)"
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="auto",
        metavar="P",
        help=f"{', '.join(PRECISIONS)}; default: auto (bf16 where it is faster and moves no level of a crop by 1)",
    )
    parser.add_argument(
        "--tile", default="auto", metavar="N", help="side of the tiles, in pixels of the picture; default: what fits in memory"
    )
    return parser


def _refuse_settings(arguments: Sequence[str]) -> None:
    """InputError where an argument is a setting of the job, as after `splatsr train`."""
    for one in arguments:
        if re.match(r"\w+=", one) and not Path(one).exists():
            raise InputError(
                f"{one} is a setting, and this command takes options: `splatsr upscale --help`; with settings it is "
                "`splatsr job=upscale input=photo.png output=big.png checkpoint=tiny scale=3.7`."
            )


def _check_results(pictures: Sequence[Path], results: Sequence[Path], existing: str | None) -> None:
    """InputError where a picture would take the place of itself, or of a result that is there and is not to be replaced."""
    if (itself := next((path for path in results if path in pictures), None)) is not None:
        raise InputError(f"-o {itself} is the picture itself; choose another name or folder.")
    is_one = len(pictures) == 1 and not pictures[0].is_dir()
    if (existing or ("refuse" if is_one else "skip")) != "refuse" or pictures[0].is_dir():
        return
    if there := [path for path in results if path.exists()]:
        which = f"{there[0]} exists already" if is_one else f"{len(there)} of {len(results)} results exist, first {there[0]}"
        raise InputError(f"{which}: choose another output with -o, or use --existing overwrite (or skip).")


def _name_part(text: str) -> str:
    if os.sep in text or "/" in text:
        raise InputError(f"--suffix {text}: expected a part of a name, such as _large.")
    return text


def _quality(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= 100:
        raise InputError(f"--quality {text}: expected a whole number from 1 to 100.")
    return int(text)


def _side(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise InputError(f"--tile {text}: expected auto, or a whole number of at least 1 pixel.")
    return int(text)
