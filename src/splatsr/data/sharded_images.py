"""Photographs of archives, one by one, in any order: an index says where each begins."""

import tempfile
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from splatsr.data.archive import Archive
from splatsr.data.location import UnreachableError
from splatsr.errors import InputError
from splatsr.image_files.one_line import say_once
from splatsr.image_files.plain_jpeg import is_plain_jpeg
from splatsr.image_files.reading import read_image


class Place(NamedTuple):
    """Where a photograph lies."""

    archive: Archive
    start: int
    length: int


class ShardedImages:
    """Photographs of archives as a sequence of 8-bit RGB images; every look-up reads and decodes one anew."""

    def __init__(self, indexed: Sequence[tuple[Archive, np.ndarray]], smallest: int, *, skip_damaged: bool) -> None:
        self.archives, self.indices = [archive for archive, _ in indexed], [index for _, index in indexed]
        self.first = np.cumsum([0, *map(len, self.indices)])
        self.smallest, self.skip_damaged = smallest, skip_damaged

    def __len__(self) -> int:
        return int(self.first[-1])

    def __getitem__(self, number: int) -> UInt8[np.ndarray, "h w 3"]:
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        for offset in range(len(self)):
            try:
                return self._decoded(self._place((number + offset) % len(self)))
            except UnreachableError:
                raise  # a network must not choose the photographs
            except InputError as error:
                if not self.skip_damaged:
                    raise InputError(f"{error} Mend it, or train without what is damaged: data.skip_damaged=true.") from error
                say_once(f"skipped: {error}")
        raise InputError(f"none of the {len(self)} photographs to train on can be read.")

    def jpeg(self, number: int) -> bytes | None:
        """The file of a photograph that a device can decode; None where the pixels are to be taken, `self[number]`.

        Raises:
            UnreachableError: its archive cannot be read.
        """
        place = self._place(number)
        content = place.archive.read(place.start, place.length)
        return content if is_plain_jpeg(content, self.smallest) else None

    def _place(self, number: int) -> Place:
        archive = int(np.searchsorted(self.first, number, side="right")) - 1
        start, length = self.indices[archive][number - self.first[archive]]
        return Place(self.archives[archive], int(start), int(length))

    def _decoded(self, place: Place) -> UInt8[np.ndarray, "h w 3"]:
        """The photograph there, as a file that holds it alone is read; errors name archive and member."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(place.archive.read(place.start, place.length))
            file.flush()
            try:
                image = read_image(file.name)
            except InputError as error:
                named = f"{place.archive.location}, {place.archive.name_at(place.start)}"
                raise InputError(str(error).replace(file.name, named)) from error
        if min(image.shape[:2]) < self.smallest:
            raise InputError(
                f"{place.archive.location}, {place.archive.name_at(place.start)}: {image.shape[1]}x{image.shape[0]} pixels, "
                f"smaller than the training crop of {self.smallest}x{self.smallest}."
            )
        return image
