"""Samples of any kind to 8-bit RGB."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageCms

from splatsr.image_files.one_line import say_once
from splatsr.image_files.samples import CMYK, GREY, LAB, RGB, Samples, eight_bits

_SPACES = {GREY: b"GRAY", RGB: b"RGB ", CMYK: b"CMYK", LAB: b"Lab "}
"""How ICC profiles name them."""

_MODES = {GREY: "L", CMYK: "CMYK", LAB: "LAB"}
"""How Pillow does."""


def rgb_of(samples: Samples, profile: bytes | None, path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """8-bit RGB: 16 bits scaled by 255 / 65535; what is not RGB becomes sRGB by its profile, where it has one.

    RGB is used as it is, whatever its profile says. Without a profile grey is repeated, CMYK becomes RGB by Pillow's formula,
    (1 - C)(1 - K) and so on, and Lab is that of D50.
    """
    values = eight_bits(samples.values)
    if samples.space == RGB:
        return values
    found = usable_profile(profile, samples.space, path)
    if samples.space == GREY:
        levels = np.arange(256, dtype=np.uint8)[None, :, None]
        return (np.repeat(levels, 3, axis=2) if found is None else _to_srgb(levels, GREY, found))[0, values[..., 0]]
    if samples.space == CMYK and found is None:
        return np.array(_image(values, CMYK).convert("RGB"))
    return _to_srgb(values, samples.space, found or ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))


def _to_srgb(values: np.ndarray, space: str, profile: ImageCms.ImageCmsProfile) -> UInt8[np.ndarray, "h w 3"]:
    """Relative colorimetric, black mapped to black, by the profile itself and not by LittleCMS's coarser table of it."""
    converted = ImageCms.profileToProfile(
        _image(values, space),
        profile,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE,
    )
    assert converted is not None  # it is not converted in place
    return np.array(converted)


def _image(values: np.ndarray, space: str) -> Image.Image:
    return Image.frombytes(_MODES[space], values.shape[1::-1], np.ascontiguousarray(values).tobytes())


def usable_profile(profile: bytes | None, space: str, path: Path) -> ImageCms.ImageCmsProfile | None:
    """The profile, if it can be read and speaks of such pixels; otherwise None, with a line in the log where there is one."""
    if not profile:
        return None
    try:
        found = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except Exception as error:  # as many kinds as there are ways to be damaged
        say_once(f"{path}: its color profile is damaged and left out ({error}).")
        return None
    if profile[16:20] == _SPACES[space]:
        return found
    if not (space == GREY and profile[16:20] == b"RGB "):  # it says how the RGB is meant that grey is repeated to
        say_once(f"{path}: its color profile is one of {profile[16:20].decode('latin-1').strip()} and left out.")
    return None
