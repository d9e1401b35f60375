"""Archives to train on: SA-1B's 1000 .tar files as they are downloaded, or what webdataset writes.

An index of every archive says where its photographs begin. Training then draws from archives exactly as it draws from folders:
any photograph may come next, every process has its exact share, and an interrupted epoch is played again.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from splatsr.data.archive import Archive
from splatsr.data.location import Location
from splatsr.data.sharded_images import ShardedImages
from splatsr.disk.whole_file import whole_file
from splatsr.errors import InputError

SUFFIX = ".tar"


class Shards:
    """The photographs of some archives, to train on.

    Args:
        paths: archives, folders of archives, or patterns such as s3://bucket/photographs/*.tar; one, or a list of them.
        root: the folder that relative paths are below; None: the working directory.
        cache: where the archives' indices are kept; None: they are made anew at every start.
        skip_damaged: take the next photograph in place of one that cannot be read or is too small, and say so.
    """

    def __init__(self, paths: str | Sequence[str | Path], *, root: str | None, cache: str | None, skip_damaged: bool) -> None:
        self.paths = [str(path) for path in ([paths] if isinstance(paths, str) else paths)]
        self.root, self.skip_damaged = root, skip_damaged
        self.cache = None if cache is None else Path(cache)

    @cached_property
    def archives(self) -> list[Archive]:
        """In the order of their names, of one path after the other.

        Raises:
            InputError: there are none, or none where a path says.
            UnreachableError: a store does not say what is there.
        """
        if not self.paths:
            raise InputError("data.train names no archive (.tar).")
        return [Archive(location) for path in self.paths for location in self._named(path)]

    def indexed(self) -> Iterator[tuple[Archive, Int64[np.ndarray, "n start_length=2"]]]:
        """Every archive with its index: the kept one, where the archive is still the same, or a new one.

        Raises:
            InputError: as `Archive.index`.
        """
        for archive in self.archives:
            kept = None
            if self.cache is not None:
                digest = hashlib.sha256("\n".join(map(str, archive.stamp)).encode()).hexdigest()[:16]
                kept = self.cache / "shards" / f"{Path(archive.name).stem}-{digest}.npy"
            if (index := _read(kept)) is None:
                index = archive.index()
                if kept is not None:
                    with whole_file(kept) as path, path.open("wb") as file:
                        np.save(file, index)
            yield archive, index

    def load(self, *, smallest: int) -> ShardedImages:
        """All photographs; `smallest` is the side in pixels that each must have.

        Raises:
            InputError: as `indexed`. What is wrong with a photograph shows when it is read: there may be millions.
        """
        return ShardedImages(list(self.indexed()), smallest, skip_damaged=self.skip_damaged)

    def _named(self, path: str) -> list[str]:
        if not (found := self._found(path)):
            raise InputError(f"{path} is no archive ({SUFFIX}), no folder that holds any and no pattern (*) that fits any.")
        return found

    def _found(self, path: str) -> list[str]:
        place = Location(path)
        if place.remote:
            return [path] if place.path.endswith(SUFFIX) and "*" not in place.path else place.listed(SUFFIX)
        local = Path(self.root or "", path)
        if local.is_dir():
            return sorted(str(one) for one in local.rglob(f"*{SUFFIX}"))
        if "*" in local.name:
            return sorted(str(one) for one in local.parent.glob(local.name))
        if local.suffix != SUFFIX or not local.is_file():
            raise InputError(f"{local} is no archive ({SUFFIX}) and no folder of archives.")
        return [str(local)]


def _read(path: Path | None) -> Int64[np.ndarray, "n start_length=2"] | None:
    """A kept index; None where there is none, or something else."""
    if path is None or not path.exists():
        return None
    try:
        index = np.load(path, mmap_mode="r")
    except (ValueError, EOFError, OSError):
        return None
    return index if index.dtype == np.int64 and index.ndim == 2 and index.shape[1] == 2 and len(index) else None
