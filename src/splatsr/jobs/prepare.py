"""job=prepare: decodes the images to train on once, into the cache that training maps into memory; of archives, their index."""

from collections.abc import Mapping
from typing import Any

from splatsr.data.module import PhotoData
from splatsr.errors import InputError
from splatsr.runs.configuration import instantiate
from splatsr.runs.decoding import amount, decode
from splatsr.runs.lines import print_line


def prepare(*, data: Mapping[str, Any]) -> None:
    """Arguments are the root keys of conf/run.yaml. What is decoded already stays; an interrupted job goes on where it stopped.

    Raises:
        InputError: there is nothing to train on, an image is damaged (all are named), or the disk has no room.
    """
    if data["cache"] is None:
        raise InputError("data.cache=null keeps no decoded images: there is nothing to prepare; set data.cache=<folder>.")
    photographs: PhotoData = instantiate({**data, "test": None}, "data")
    photographs.prepare_data()
    if photographs.shards is not None:
        for archive, index in photographs.shards.indexed():
            print_line(f"{archive.location}: {len(index)} photographs")
    decode(photographs, also_small=True, smallest=1)
    for images in photographs.sources():
        for folder in images.folders:
            sizes = [record.size for record in folder.read()]
            whole = [size for size in sizes if not isinstance(size, str)]
            skipped = f", {len(sizes) - len(whole)} skipped" if len(whole) < len(sizes) else ""
            print_line(f"{folder.path}: {amount(whole)}, decoded{skipped}")
