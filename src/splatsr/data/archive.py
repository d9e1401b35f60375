"""An archive of photographs (.tar), read where it lies: on a disk, or in an object store by ranged requests."""

import hashlib
import tarfile
from collections.abc import Iterator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from splatsr.data.location import Location, UnreachableError
from splatsr.errors import InputError
from splatsr.image_files.folder import is_image_name
from splatsr.image_files.one_line import one_line

VERSIONS = ("mtime", "ETag", "etag", "LastModified", "Last-Modified", "last_modified", "Content-MD5", "Digest")
"""What file systems tell of a file that changes with its content; the first of them counts."""

ENDS = 64 * 1024
"""Bytes at the beginning and at the end of an archive that stand for its version where its store has none."""


class Archive:
    """A .tar file on a disk or in an object store.

    Args:
        location: its path, or a URL that fsspec knows (s3://, gs://, https://).
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self._file = Location(location)

    @cached_property
    def stamp(self) -> tuple[str, int, str]:
        """(Location, bytes, time, tag or digest): by what it is known to be the one that was indexed.

        Raises:
            UnreachableError: it cannot be asked for, or only as a whole.
        """
        found: dict[str, Any] = self._file.asked(lambda files, path: files.info(path))
        if found["size"] is None or not found.get("partial", True):
            raise UnreachableError(f"{self.location}: its server must say how long it is, and serve ranges of it.")
        version = next((found[key] for key in VERSIONS if found.get(key)), None)
        return self.location, int(found["size"]), self._digest(int(found["size"])) if version is None else str(version)

    @property
    def name(self) -> str:
        """Its file's name."""
        return Path(self._file.path).name

    def index(self) -> Int64[np.ndarray, "n start_length=2"]:
        """Where each image lies in it, in bytes.

        Raises:
            InputError: it is no archive or a compressed one, ends too early, or holds no image.
            UnreachableError: as `stamp`, or it is not served by ranges.
        """
        _ = self.stamp  # says why, where a server has no ranges
        found = [(member.offset_data, member.size) for member in self._members()]
        if not found:
            raise InputError(f"{self.location} holds no image.")
        if self._file.remote:
            self.read(found[0][0], min(1, found[0][1]))  # now, and not at the first batch
        return np.array(found, np.int64)

    def read(self, start: int, length: int) -> bytes:
        """So many bytes of it.

        Raises:
            UnreachableError: it cannot be read, or has other bytes than were asked for.
        """
        if not length:  # which is no range
            return b""
        content: bytes = self._file.asked(lambda files, path: files.cat_file(path, start=start, end=start + length))
        if len(content) != length:
            why = "its server must serve ranges" if len(content) > length else "it has become shorter; start anew"
            raise UnreachableError(f"{self.location}: of {length} bytes asked for {len(content)} came: {why}.")
        return content

    def name_at(self, start: int) -> str:
        """The name of the image whose content begins there."""
        return next((member.name for member in self._members() if member.offset_data == start), f"byte {start}")

    def _digest(self, size: int) -> str:
        with closing(self._file.opened(block_size=ENDS)) as file:
            digest = hashlib.sha256(file.read(ENDS))
            file.seek(max(0, size - ENDS))
            digest.update(file.read(ENDS))
        return digest.hexdigest()

    def _members(self) -> Iterator[tarfile.TarInfo]:
        with closing(self._file.opened()) as file:
            try:
                with tarfile.open(fileobj=file, mode="r:") as archive:
                    for member in archive:
                        if member.isreg() and not member.issparse() and is_image_name(Path(member.name).name):
                            yield member
                    file.seek(archive.offset)  # tarfile takes a damaged header for the end
                    if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
                        raise tarfile.ReadError(f"its header at byte {archive.offset} is damaged")
            except (tarfile.TarError, EOFError) as error:
                why = f"is no whole .tar archive, uncompressed: {one_line(error)}"
                raise InputError(f"{self.location} {why}. Download it anew, or leave it out.") from error
