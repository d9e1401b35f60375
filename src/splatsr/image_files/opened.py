"""Any image file, opened: which decoder it gets, and the one place where whatever a decoder raises becomes a damaged file."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import UnidentifiedImageError

from splatsr.errors import InputError
from splatsr.image_files.image_file import ImageFile
from splatsr.image_files.one_line import one_line
from splatsr.image_files.pillow_file import PillowFile
from splatsr.image_files.pillow_limits import without_limits
from splatsr.image_files.png_file import SIGNATURE, PngFile

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How TIFFs and BigTIFFs begin."""


@contextmanager
def opened(path: str | Path) -> Iterator[ImageFile]:
    """The file; decoding belongs into the block, since whatever goes wrong there is the file's fault.

    Raises:
        InputError: it is missing, no regular file (nothing is read of pipes and devices), no image, or damaged.
    """
    path = Path(path)
    try:
        with without_limits():
            yield _open(path)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{path} is not an image, whatever its name says.") from error
    except OSError as error:
        what = f"cannot be read: {error.strerror}" if error.errno else f"is damaged: {one_line(error)}"
        raise InputError(f"{path} {what}.") from error
    except MemoryError as error:
        raise InputError(f"{path} is damaged, or there is not enough memory to decode it.") from error
    except Exception as error:  # decoders raise as many kinds as there are ways to be damaged
        raise InputError(f"{path} is damaged: {one_line(error) or type(error).__name__}.") from error


def _open(path: Path) -> ImageFile:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file.") from error
    except ValueError as error:  # a zero byte in its name
        raise InputError(f"{path}: no such file.") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{path} is a folder; expected an image file.")
    if not stat.S_ISREG(mode):
        raise InputError(f"{path} is a pipe, socket or device; expected an image file.")
    with path.open("rb") as raw:
        begin = raw.read(len(SIGNATURE))
    if not begin:
        raise InputError(f"{path} is empty; expected an image file.")
    file = _decoder(begin)(path)
    if min(file.size) < 1:
        raise ValueError(f"its header says {file.size[1]}x{file.size[0]} pixels")
    return file


def _decoder(begin: bytes) -> Callable[[Path], ImageFile]:
    """What reads a file that begins like this."""
    if begin == SIGNATURE:
        return PngFile
    if begin[:4] in _TIFF:
        from splatsr.image_files.tiff_file import TiffFile  # tifffile takes a while, and most files are no TIFFs

        return TiffFile
    return PillowFile
