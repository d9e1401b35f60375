"""Image files to 8-bit RGB arrays and back, whatever their mode: RGB, grey, palette, RGBA, CMYK, 16 bit."""

import os
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from splatsr.disk.whole_file import whole_file
from splatsr.errors import InputError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})


class Part(NamedTuple):
    """The image files that lie in one and the same folder, by name."""

    folder: Path
    names: tuple[str, ...]

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return [self.folder / name for name in self.names]


def find_parts(folder: str | Path) -> Iterator[Part]:
    """The folders at and below `folder` that hold images, one after the other as they are asked for; nothing is opened.

    A folder's own images come before its subfolders', each sorted by name; hidden files and folders are left out.

    Raises:
        InputError: the folder does not exist or holds no image.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise InputError(f"folder {folder} {what}; expected a folder of images ({_known()}).")
    empty = True
    for current, subfolders, files in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        names = [name for name in files if os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")]
        if names:
            empty = False
            yield Part(Path(current), tuple(sorted(names)))
    if empty:
        raise InputError(f"folder {folder} holds no images ({_known()}).")


def find_images(folder: str | Path) -> list[Path]:
    """The images of all `find_parts`, in that order."""
    return [path for part in find_parts(folder) for path in part.paths]


def image_size(path: str | Path) -> tuple[int, int]:
    """(height, width) after EXIF rotation, from the header alone; InputError as in `read_image`."""
    with open_image(path) as image:
        width, height = image.size
        rotatable = image.format != "PNG" or "exif" in image.info  # asking a PNG for EXIF would decode it
        turned = rotatable and image.getexif().get(0x0112, 1) >= 5
    return (width, height) if turned else (height, width)


def read_image(path: str | Path) -> UInt8[np.ndarray, "h w 3"]:
    """Decodes a file to 8-bit RGB: EXIF rotation applied, grey repeated, alpha dropped, 16 bit scaled by 255 / 65535.

    A palette is looked up, its transparent entries keep their color. CMYK becomes RGB by Pillow's formula, (1 - C)(1 - K) and
    so on: colors of print files are approximate. Embedded color profiles are not applied.

    Raises:
        InputError: the file is missing, truncated, or not an image.
    """
    with open_image(path) as image:
        try:
            return to_rgb(ImageOps.exif_transpose(image))
        except (OSError, SyntaxError, ValueError, struct.error) as error:
            raise InputError(f"{path} is damaged: {error}.") from error


def write_image(path: str | Path, image: UInt8[np.ndarray, "h w 3"]) -> None:
    """Encodes by the file's suffix; the file appears whole or not at all.

    Raises:
        InputError: the suffix is not one that can be written, or the file cannot be.
    """
    path = Path(path)
    check_writable(path)
    with whole_file(path) as partial:
        Image.fromarray(image).save(partial, format=Image.registered_extensions()[path.suffix.lower()])


def check_writable(path: Path) -> None:
    """InputError unless `path` ends like an image file that can be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: cannot write {path.suffix or 'a file without suffix'}; use one of {_known()}.")


def open_image(path: str | Path) -> Image.Image:
    """The file, opened by Pillow (its pixels are not decoded yet), whatever its size; InputError as in `read_image`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # users of super-resolution own large images
            return Image.open(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file.") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder; expected an image file.") from error
    except UnidentifiedImageError as error:
        if Path(path).suffix.lower() in (".tif", ".tiff"):
            return _read_tiff(path)
        raise InputError(f"{path} is not an image, whatever its name says.") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error


def _read_tiff(path: str | Path) -> Image.Image:
    """TIFF flavours that Pillow does not know, 16-bit RGB above all."""
    import tifffile  # rarely needed

    try:
        with tifffile.TiffFile(path) as file:
            pixels, profile = file.asarray(), file.pages.first.iccprofile
    except (tifffile.TiffFileError, ValueError, OSError) as error:
        raise InputError(f"{path} is not an image, whatever its name says ({error}).") from error
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or pixels.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path}: TIFF of shape {pixels.shape} and type {pixels.dtype} is not an 8- or 16-bit RGB image.")
    image = Image.fromarray(_eight_bits(pixels[..., :3]))
    image.info["icc_profile"] = profile
    return image


def to_rgb(image: Image.Image) -> UInt8[np.ndarray, "h w 3"]:
    """8-bit RGB rows by the rules of `read_image`; ValueError for floating-point images."""
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):  # Pillow's own conversion clips at 255
        grey = _eight_bits(np.asarray(image).astype(np.uint16))
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode == "F":
        raise ValueError("floating-point images are not supported; save it with 8 or 16 bits")
    if "transparency" in image.info:  # a palette with transparency converts to RGB only by way of RGBA
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))


def _eight_bits(pixels: np.ndarray) -> UInt8[np.ndarray, "..."]:
    return pixels if pixels.dtype == np.uint8 else np.round(pixels / 257).astype(np.uint8)


def _known() -> str:
    return " ".join(sorted(SUFFIXES))
