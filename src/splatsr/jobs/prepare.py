"""job=prepare: decodes the images to train on once, into the cache that training maps into memory."""

from collections.abc import Mapping
from typing import Any

from hydra.utils import instantiate
from rich.console import Console

from splatsr.data.many_images import Size, decoded_bytes
from splatsr.data.module import PhotoData
from splatsr.errors import InputError
from splatsr.runs.progress import along


def prepare(*, data: Mapping[str, Any]) -> None:
    """Arguments are the root keys of conf/run.yaml. What is decoded already stays; an interrupted job goes on where it stopped.

    Raises:
        InputError: there is nothing to train on, an image is damaged (all are named), or the disk has no room.
    """
    if data["cache"] is None:
        raise InputError("data.cache=null keeps no decoded images: there is nothing to prepare; set data.cache=<folder>.")
    photographs: PhotoData = instantiate({**data, "test": None}, _convert_="all")
    photographs.prepare_data()
    decode(photographs, also_small=True, smallest=1)
    for images in photographs.sources():
        for folder in images.folders:
            sizes = [record.size for record in folder.records()]
            whole = [size for size in sizes if not isinstance(size, str)]
            skipped = f", {len(sizes) - len(whole)} skipped" if len(whole) < len(sizes) else ""
            Console().print(f"{folder.place}: {_amount(whole)}, decoded{skipped}", soft_wrap=True)


def decode(photographs: PhotoData, *, also_small: bool, smallest: int) -> None:
    """Decodes what is missing, with a bar; `also_small`: also sets that training would keep in memory.

    Images with a side below `smallest` pixels are refused.
    """
    for images in photographs.sources():
        for folder in images.undecoded(also_small=also_small):
            Console().print(f"decoding {_amount(folder.sizes)} of {folder.part.folder} into {folder.place}", soft_wrap=True)
            steps = folder.decode(smallest=smallest, skip_damaged=images.skip_damaged)
            for _ in along(steps, len(folder.part.names), folder.part.folder.name):
                pass


def _amount(sizes: list[Size]) -> str:
    return f"{len(sizes)} images, {decoded_bytes(sizes) / 2**20:,.0f} MiB"
