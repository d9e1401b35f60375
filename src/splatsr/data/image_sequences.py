"""Training images one by one, as sequences: mapped from what data.decoded has written, or decoded anew every time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from splatsr.data.decoded import PIXELS, DecodedFolder, Record
from splatsr.errors import InputError
from splatsr.image_files.one_line import say_once
from splatsr.image_files.reading import read_image


@runtime_checkable
class Images(Protocol):
    """8-bit RGB images that are counted and looked up one by one; a list of them is one, too."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> UInt8[np.ndarray, "h w 3"]: ...


class MappedImages:
    """The decoded images of several folders, in their order, as views into the files; unreadable ones are left out."""

    def __init__(self, folders: Sequence[tuple[DecodedFolder, list[Record]]]) -> None:
        self.paths = [folder.path for folder, _ in folders]
        readable = [[record.size for record in records if not isinstance(record.size, str)] for _, records in folders]
        self.sizes = [np.array(sizes, np.int64).reshape(-1, 2) for sizes in readable]
        self.starts = [np.concatenate([[0], (3 * sizes.prod(1)).cumsum()]) for sizes in self.sizes]
        self.first = np.cumsum([0, *map(len, self.sizes)])
        self._maps: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return int(self.first[-1])

    def __getitem__(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        folder = int(np.searchsorted(self.first, index, side="right")) - 1
        within = index - int(self.first[folder])
        start, end = self.starts[folder][within : within + 2]
        return self._map(folder)[start:end].reshape(*self.sizes[folder][within], 3)

    def _map(self, folder: int) -> UInt8[np.ndarray, "..."]:
        if folder not in self._maps:
            self._maps[folder] = np.asarray(np.memmap(self.paths[folder] / PIXELS, np.uint8, "r"))
        return self._maps[folder]

    def __getstate__(self) -> dict[str, Any]:
        """For worker processes that are started afresh: they map the files themselves."""
        return {**self.__dict__, "_maps": {}}


class Joined:
    """The images of one sequence, and then those of another."""

    def __init__(self, first: Images, second: Images) -> None:
        self.first, self.second = first, second

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def __getitem__(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.first[index] if index < len(self.first) else self.second[index - len(self.first)]


class EncodedImages:
    """Images that are decoded anew every time one is asked for.

    Args:
        paths: the files, whose headers can be read.
        skip_damaged: in place of one whose pixels cannot be read the next one is taken, in any process the same; otherwise
            an InputError names it.
    """

    def __init__(self, paths: Sequence[Path], *, skip_damaged: bool) -> None:
        self.paths, self.skip_damaged = paths, skip_damaged

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        for offset in range(len(self)):
            try:
                return read_image(self.paths[(index + offset) % len(self)])
            except InputError as error:
                if not self.skip_damaged:
                    raise
                say_once(f"skipped: {error}")
        raise InputError(f"none of the {len(self.paths)} images to train on can be read.")
