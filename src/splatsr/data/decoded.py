"""Training images decoded once and mapped into memory: a crop then costs a copy, and every process shares the same pages.

<cache>/<folder's name>-<8 digits for its path>/   one for each folder of images
    pixels.u8      8-bit RGB rows of one image after the other
    images-2.jsonl a line for each: [name, bytes, mtime in ns, height, width], or [name, bytes, mtime, why it cannot be read]

While it is made the folder's name ends in .partial; a line is written after its pixels, so that an interrupted run goes on
where it stopped, and renaming the folder is what makes it count. It counts as long as names, sizes and times are those of the
files.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from filelock import FileLock
from jaxtyping import UInt8

from splatsr.data.many_images import Size, check_damaged, check_smallest, decoded_bytes, read_all
from splatsr.disk.free_space import check_free_space
from splatsr.disk.whole_file import write_text
from splatsr.errors import InputError
from splatsr.image_files.folder import Part
from splatsr.image_files.reading import image_size, read_image

PIXELS, INDEX = "pixels.u8", "images-2.jsonl"
"""The number grows whenever pixels are read in another way: what was decoded before does not count then."""

COMPARED = 10_000
"""Headers that are read to know that a decoded folder is that of its images; of larger folders evenly spaced ones."""


class Stamp(NamedTuple):
    """By what a file is known to be the one that was decoded."""

    name: str
    bytes: int
    mtime_ns: int


class Record(NamedTuple):
    """A line of images-2.jsonl."""

    stamp: Stamp
    size: Size


class DecodedFolder:
    """The decoded images of one folder, made or to be made.

    Args:
        part: the image files.
        cache: the folder in which decoded images are kept.
    """

    def __init__(self, part: Part, cache: Path) -> None:
        folder = Path(os.path.realpath(part.folder))
        self.part = part
        self.path = cache / f"{folder.name}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]}"
        self._partial = self.path.with_name(f"{self.path.name}.partial")

    @cached_property
    def sizes(self) -> list[Size]:
        """Of every image, from its header alone."""
        return list(read_all(image_size, self.part.paths))

    def records(self) -> list[Record] | None:
        """One for each image, in the order of `part.names`, if they are decoded and unchanged since; otherwise None."""
        if not self.path.is_dir():
            return None
        records = _read_index(self.path)
        complete = [record.stamp for record in records] == self._stamps() and _length(self.path / PIXELS) == _pixels(records)
        return records if complete and self._has_their_sizes(records) else None

    def _has_their_sizes(self, records: Sequence[Record]) -> bool:
        """Whether the records say of (at most `COMPARED`, evenly spaced) images what their headers say."""
        chosen = records[:: max(1, len(records) // COMPARED)]
        own = read_all(image_size, (self.part.folder / record.stamp.name for record in chosen))
        return all(isinstance(record.size, str) or record.size == size for record, size in zip(chosen, own, strict=True))

    def read(self) -> list[Record]:
        """What is in the folder, which must be decoded already.

        Raises:
            InputError: it is not, or no longer: its images have changed.
        """
        if (records := self.records()) is None:
            raise InputError(f"{self.path} does not hold the images of {self.part.folder} as they are now; run that again.")
        return records

    def decode(self, *, smallest: int, skip_damaged: bool) -> Iterator[None]:
        """Decodes what is not decoded yet; yields once for each image. Where several processes call it, one works.

        Raises:
            InputError: an image is damaged and not to be skipped (all such are named, after the others are done), or has a
                side below `smallest` pixels; or the decoded images cannot be written, for example because the disk is full.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock"):
                if (records := self.records()) is not None:
                    yield from (None for _ in records)
                    return
                records = yield from self._fill(smallest)
                check_damaged([record.size for record in records], skip_damaged=skip_damaged)
                shutil.rmtree(self.path, ignore_errors=True)  # of files that have changed since
                os.replace(self._partial, self.path)
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be written: {error.strerror or error}. Free some space, set data.cache=<folder on a large "
                "disk>, or data.cache=null to decode anew for every crop; the same command goes on where this one stopped."
            ) from error

    def _fill(self, smallest: int) -> Generator[None, None, list[Record]]:
        """Writes what is missing in the .partial folder, and returns its records."""
        stamps, records = self._stamps(), self._resumable()
        remaining = stamps[len(records) :]
        if remaining:
            check_smallest(self.part, self.sizes, smallest)
            check_free_space(
                self.path.parent,
                decoded_bytes(self.sizes[len(records) :]),
                content=f"the decoded images of {self.part.folder}",
                remedy="set data.cache=<folder on a large disk>, train on fewer folders (data.train=[<folder>,..]), or decode "
                "anew for every crop (data.cache=null)",
            )
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
        usable, unclaimed = [], _length(self._partial / PIXELS)  # bytes of pixels that no record speaks of yet
        for record, stamp in zip(_read_index(self._partial), self._stamps(), strict=False):
            unclaimed -= decoded_bytes([record.size])
            if record.stamp != stamp or unclaimed < 0:
                break
            usable.append(record)
        return usable

    def _stamps(self) -> list[Stamp]:
        return [_stamp(self.part.folder / name) for name in self.part.names]


def _stamp(path: Path) -> Stamp:
    """Zeros where there is nothing to look at, as behind a link to nowhere: reading it then says why it is damaged."""
    try:
        status = os.stat(path)
    except OSError:
        return Stamp(path.name, 0, 0)
    return Stamp(path.name, status.st_size, status.st_mtime_ns)


def append(file: BinaryIO, image: UInt8[np.ndarray, "h w 3"]) -> None:
    """Writes the image's rows to the end of the file, and out of this process."""
    file.write(np.ascontiguousarray(image).data)
    file.flush()


def _pixels(records: Sequence[Record]) -> int:
    """Bytes of pixels.u8 that the records speak of."""
    return decoded_bytes(record.size for record in records)


def _line(record: Record) -> str:
    size = [record.size] if isinstance(record.size, str) else record.size
    return json.dumps([*record.stamp, *size]) + "\n"


def _read_index(folder: Path) -> list[Record]:
    """The folder's records up to the first line that is cut off; none if there is no such folder."""
    records = []
    if (folder / INDEX).is_file():
        for line in (folder / INDEX).read_text(encoding="utf-8", errors="replace").splitlines():
            if (record := _parse(line)) is None:
                break
            records.append(record)
    return records


def _parse(line: str) -> Record | None:
    """The record in a line; None where it is cut off, or says what no record does."""
    try:
        name, length, mtime, *size = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(name, str) or not _are_counts([length, mtime], least=0):
        return None
    if len(size) == 1 and isinstance(size[0], str):
        return Record(Stamp(name, length, mtime), size[0])
    return Record(Stamp(name, length, mtime), (size[0], size[1])) if len(size) == 2 and _are_counts(size, least=1) else None


def _are_counts(values: Sequence[object], *, least: int) -> bool:
    return all(isinstance(value, int) and not isinstance(value, bool) and value >= least for value in values)


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
