"""What a format has no place for: 16 bits, grey, alpha. A picture is made such that its format holds it."""

from pathlib import Path

from splatsr.image_files.formats import WRITTEN
from splatsr.image_files.picture import Picture
from splatsr.image_files.rgb import rgb_of
from splatsr.image_files.samples import GREY, Samples, eight_bits

WIDE = frozenset({"PNG", "TIFF"})
"""Formats that are written with 16 bits where the picture has them."""

_WITHOUT_GREY = frozenset({"WEBP", "AVIF"})

_WITHOUT_ALPHA = frozenset({"JPEG", "BMP", "PPM"})
"""BMP knows an alpha that few programs read."""


def as_format_holds(picture: Picture, path: Path) -> tuple[Picture, list[str]]:
    """The picture as a file that ends like `path` can hold it, and what of it is lost, in words.

    Grey becomes RGB without a word: it looks the same.
    """
    name, suffix, lost = WRITTEN[path.suffix.lower()], path.suffix.lower(), []
    if picture.alpha is not None and name in _WITHOUT_ALPHA:
        picture = picture._replace(alpha=None)
        lost.append(f"its alpha is dropped, {suffix} files have none")
    if picture.colors.itemsize > 1 and name not in WIDE:
        alpha = None if picture.alpha is None else eight_bits(picture.alpha)
        picture = picture._replace(colors=eight_bits(picture.colors), alpha=alpha)
        lost.append(f"its 16 bits become 8, {suffix} files are written with 8 (.png and .tif keep 16)")
    if picture.colors.shape[2] == 1 and name in _WITHOUT_GREY:
        profile = picture.extras.icc_profile
        colors = rgb_of(Samples(picture.colors, GREY, None), profile, path)
        picture = picture._replace(colors=colors, extras=picture.extras._replace(icc_profile=None))
    return picture, lost
