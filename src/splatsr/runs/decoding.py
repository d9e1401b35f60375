"""Decoding training images into the cache, with a progress bar."""

from collections.abc import Sequence

from rich.markup import escape

from splatsr.data.many_images import DamagedImagesError, Size, decoded_bytes
from splatsr.data.module import PhotoData
from splatsr.image_files.one_line import one_line
from splatsr.runs.lines import print_line
from splatsr.runs.progress import along


def decode(photographs: PhotoData, *, also_small: bool, smallest: int) -> None:
    """Decodes what is missing, with a bar; `also_small`: also sets that training would keep in memory.

    Images with a side below `smallest` pixels are refused.

    Raises:
        InputError: images are damaged and not to be skipped: after the images of all folders are decoded.
    """
    damaged: list[str] = []
    for images in photographs.sources():
        for folder in images.undecoded(also_small=also_small):
            print_line(f"decoding {amount(folder.sizes)} of {folder.part.folder} into {folder.path}")
            steps = folder.decode(smallest=smallest, skip_damaged=images.skip_damaged)
            try:
                for _ in along(steps, len(folder.part.names), escape(one_line(folder.part.folder.name))):
                    pass
            except DamagedImagesError as error:  # the other folders are decoded before that is said
                damaged.append(str(error))
    if damaged:
        raise DamagedImagesError(" ".join(damaged))


def amount(sizes: Sequence[Size]) -> str:
    """How many images they are, and what they take up once they are decoded."""
    return f"{len(sizes)} images, {decoded_bytes(sizes) / 2**20:,.0f} MiB"
