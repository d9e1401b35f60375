"""Decoding training images into the cache, with a progress bar."""

from collections.abc import Sequence

from rich.console import Console

from splatsr.data.many_images import Size, decoded_bytes
from splatsr.data.module import PhotoData
from splatsr.runs.progress import along


def decode(photographs: PhotoData, *, also_small: bool, smallest: int) -> None:
    """Decodes what is missing, with a bar; `also_small`: also sets that training would keep in memory.

    Images with a side below `smallest` pixels are refused.
    """
    for images in photographs.sources():
        for folder in images.undecoded(also_small=also_small):
            Console().print(f"decoding {amount(folder.sizes)} of {folder.part.folder} into {folder.path}", soft_wrap=True)
            steps = folder.decode(smallest=smallest, skip_damaged=images.skip_damaged)
            for _ in along(steps, len(folder.part.names), folder.part.folder.name):
                pass


def amount(sizes: Sequence[Size]) -> str:
    """How many images they are, and what they take up once they are decoded."""
    return f"{len(sizes)} images, {decoded_bytes(sizes) / 2**20:,.0f} MiB"
