"""An archive of photographs (.tar), read where it lies: on a disk, or in an object store by ranged requests."""

import os
import tarfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
from jaxtyping import Int64

from splatsr.errors import InputError
from splatsr.image_files.folder import is_image_name
from splatsr.image_files.one_line import one_line


class Archive:
    """A .tar file on a disk or in an object store.

    Args:
        location: its path, or a URL that fsspec knows (s3://, gs://, https://).
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self._connected: tuple[int, Any, str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_connected": None}

    @cached_property
    def stamp(self) -> tuple[str, int, str]:
        """(Location, bytes, time or tag): by what it is known to be the one that was indexed."""
        found = self._asked(lambda files, path: files.info(path))
        version = found.get("mtime", found.get("ETag", found.get("LastModified", "")))
        return self.location, int(found["size"] or 0), str(version)

    def index(self) -> Int64[np.ndarray, "n start_length=2"]:
        """Where each image lies in it, in bytes.

        Raises:
            InputError: it is not there, is no archive or a compressed one, ends too early, or holds no image.
        """
        found = [(member.offset_data, member.size) for member in self._members()]
        if not found:
            raise InputError(f"{self.location} holds no image.")
        return np.array(found, np.int64)

    def read(self, start: int, length: int) -> bytes:
        """So many bytes of it."""
        return self._asked(lambda files, path: files.cat_file(path, start=start, end=start + length))

    def name_at(self, start: int) -> str:
        """The name of the image whose content begins there."""
        return next((member.name for member in self._members() if member.offset_data == start), f"byte {start}")

    def _members(self) -> Iterator[tarfile.TarInfo]:
        with self._asked(lambda files, path: files.open(path, "rb")) as file:
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

    def _asked(self, ask: Any) -> Any:
        """What a file system answers; each process has its own connection."""
        try:
            if self._connected is None or self._connected[0] != os.getpid():
                files, path = fsspec.url_to_fs(self.location, skip_instance_cache="://" in self.location)
                self._connected = os.getpid(), files, path
            return ask(*self._connected[1:])
        except ImportError as error:
            raise InputError(f"{self.location}: {one_line(error)}.") from error  # which package is missing
        except FileNotFoundError as error:
            raise InputError(f"{self.location}: no such archive.") from error
        except OSError as error:
            raise InputError(f"{self.location} cannot be read: {error.strerror or one_line(error)}.") from error
