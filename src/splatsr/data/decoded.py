"""Training images decoded once and mapped into memory: a crop then costs a copy, and every process shares the same pages.

<cache>/<folder's name>-<8 digits for its path>/   one for each folder of images
    pixels.u8      8-bit RGB rows of one image after the other
    images.jsonl   a line for each: [name, bytes, mtime in ns, height, width], or [name, bytes, mtime, why it cannot be read]

While it is made the folder's name ends in .partial; a line is written after its pixels, so that an interrupted run goes on
where it stopped, and renaming the folder is what makes it count. It counts as long as names, sizes and times are those of the
files.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from filelock import FileLock
from jaxtyping import UInt8

from splatsr.data.images import Part, image_size, read_image
from splatsr.data.many_images import Size, check_damaged, check_smallest, decoded_bytes, read_all
from splatsr.disk.whole_file import write_text
from splatsr.errors import InputError

PIXELS, INDEX = "pixels.u8", "images.jsonl"


class Stamp(NamedTuple):
    """By what a file is known to be the one that was decoded."""

    name: str
    bytes: int
    mtime_ns: int


class Record(NamedTuple):
    """A line of images.jsonl."""

    stamp: Stamp
    size: Size


class DecodedFolder:
    """The decoded images of one folder, made or to be made.

    Args:
        part: the image files.
        cache: the folder in which decoded images are kept.
    """

    def __init__(self, part: Part, cache: Path) -> None:
        where = part.folder.resolve()
        self.part = part
        self.place = cache / f"{where.name}-{hashlib.sha256(str(where).encode()).hexdigest()[:8]}"
        self._partial = self.place.with_name(f"{self.place.name}.partial")

    @cached_property
    def sizes(self) -> list[Size]:
        """Of every image, from its header alone."""
        return list(read_all(image_size, self.part.paths))

    def records(self) -> list[Record] | None:
        """One for each image if they are decoded and unchanged since, otherwise None."""
        if not self.place.is_dir():
            return None
        records = _read_index(self.place)
        whole = [record.stamp for record in records] == self._stamps() and _length(self.place / PIXELS) == _pixels(records)
        return records if whole else None

    def decode(self, *, smallest: int, skip_damaged: bool) -> Iterator[None]:
        """Decodes what is not decoded yet; yields once for each image. Where several processes call it, one works.

        Raises:
            InputError: an image is damaged and not to be skipped (all such are named, after the others are done), or has a
                side below `smallest` pixels; or the decoded images cannot be written, for example because the disk is full.
        """
        try:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.place}.lock"):
                if (records := self.records()) is not None:
                    yield from (None for _ in records)
                    return
                records = yield from self._fill(smallest)
                check_damaged([record.size for record in records], skip_damaged=skip_damaged)
                shutil.rmtree(self.place, ignore_errors=True)  # of files that have changed since
                os.replace(self._partial, self.place)
        except OSError as error:
            raise InputError(
                f"{self.place} cannot be written: {error.strerror or error}. Make room, or set data.cache=<folder on a large "
                "disk>, or data.cache=null to decode anew for every crop; the same command goes on where this one stopped."
            ) from error

    def _fill(self, smallest: int) -> Iterator[None]:
        """Writes what is missing in the .partial folder, and returns its records."""
        stamps, records = self._stamps(), self._resumable()
        remaining = stamps[len(records) :]
        if remaining:
            check_smallest(self.part, self.sizes, smallest)
            _check_space(self.place.parent, decoded_bytes(self.sizes[len(records) :]))
        self._partial.mkdir(exist_ok=True)
        write_text(self._partial / INDEX, "".join(map(_line, records)))
        yield from (None for _ in records)
        with (self._partial / PIXELS).open("ab") as pixels, (self._partial / INDEX).open("a") as index:
            os.truncate(pixels.fileno(), _pixels(records))
            images = read_all(read_image, (self.part.folder / stamp.name for stamp in remaining))
            for stamp, image in zip(remaining, images, strict=True):
                if isinstance(image, str):
                    records.append(Record(stamp, image))
                else:
                    append(pixels, image)
                    records.append(Record(stamp, image.shape[:2]))
                index.write(_line(records[-1]))
                index.flush()
                yield
            os.fsync(pixels.fileno())
        return records

    def _resumable(self) -> list[Record]:
        """What an earlier run has left, up to the first file that is not the same or has lost its pixels."""
        right, room = [], _length(self._partial / PIXELS)
        for record, stamp in zip(_read_index(self._partial), self._stamps(), strict=False):
            room -= decoded_bytes([record.size])
            if record.stamp != stamp or room < 0:
                break
            right.append(record)
        return right

    def _stamps(self) -> list[Stamp]:
        try:
            stats = ((name, os.stat(self.part.folder / name)) for name in self.part.names)
            return [Stamp(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
        except OSError as error:
            raise InputError(f"{error.filename} cannot be read: {error.strerror}.") from error


class MappedImages(Sequence[UInt8[np.ndarray, "h w 3"]]):
    """The decoded images of several folders, in their order, as views into the files; unreadable ones are left out."""

    def __init__(self, folders: Sequence[tuple[DecodedFolder, list[Record]]]) -> None:
        self.places = [folder.place for folder, _ in folders]
        whole = [[record.size for record in records if not isinstance(record.size, str)] for _, records in folders]
        self.sizes = [np.array(sizes, np.int64).reshape(-1, 2) for sizes in whole]
        self.starts = [np.concatenate([[0], (3 * sizes.prod(1)).cumsum()]) for sizes in self.sizes]
        self.first = np.cumsum([0, *map(len, self.sizes)])
        self._maps: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return int(self.first[-1])

    def __getitem__(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        folder = int(np.searchsorted(self.first, index, side="right")) - 1
        own = index - int(self.first[folder])
        start, end = self.starts[folder][own : own + 2]
        return self._map(folder)[start:end].reshape(*self.sizes[folder][own], 3)

    def _map(self, folder: int) -> UInt8[np.ndarray, "..."]:
        if folder not in self._maps:
            self._maps[folder] = np.asarray(np.memmap(self.places[folder] / PIXELS, np.uint8, "r"))
        return self._maps[folder]

    def __getstate__(self) -> dict[str, Any]:
        """For worker processes that are started afresh: they map the files themselves."""
        return {**self.__dict__, "_maps": {}}


class EncodedImages(Sequence[UInt8[np.ndarray, "h w 3"]]):
    """Images that are decoded anew every time one is asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        return read_image(self.paths[index])


def append(file: BinaryIO, image: UInt8[np.ndarray, "h w 3"]) -> None:
    """Writes the image's rows to the end of the file, and out of this process."""
    file.write(np.ascontiguousarray(image))
    file.flush()


def _pixels(records: Sequence[Record]) -> int:
    """Bytes of pixels.u8 that the records speak of."""
    return decoded_bytes(record.size for record in records)


def _line(record: Record) -> str:
    size = [record.size] if isinstance(record.size, str) else record.size
    return json.dumps([*record.stamp, *size]) + "\n"


def _read_index(place: Path) -> list[Record]:
    """The folder's records as far as they are whole; none if there is no such folder."""
    records = []
    if (place / INDEX).is_file():
        for line in (place / INDEX).read_text().splitlines():
            try:
                name, length, mtime, *size = json.loads(line)
            except ValueError:  # cut off in the middle
                break
            records.append(Record(Stamp(name, length, mtime), size[0] if len(size) == 1 else tuple(size)))
    return records


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _check_space(place: Path, needed: int) -> None:
    free = shutil.disk_usage(place).free
    if needed > free:
        raise InputError(
            f"{place} has {free / 2**30:.1f} GiB free and the decoded images need {needed / 2**30:.1f} GiB more: set "
            "data.cache=<folder on a large disk>, train on fewer folders (data.train=[<folder>,..]), or decode anew for every "
            "crop (data.cache=null)."
        )
