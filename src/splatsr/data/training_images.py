"""Where training images come from: decoded images in the cache, in memory where all are small, or the files themselves."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import psutil
from jaxtyping import UInt8

from splatsr.data.decoded import DecodedFolder
from splatsr.data.image_sequences import EncodedImages, Images, MappedImages
from splatsr.data.layouts import parts_in
from splatsr.data.many_images import check_damaged, check_smallest, decoded_bytes, read_all
from splatsr.disk.free_space import check_free_space
from splatsr.errors import InputError
from splatsr.image_files.folder import Part
from splatsr.image_files.reading import image_size, read_image

IN_MEMORY = 2**30
"""Sets that decode to less, in bytes, are simply decoded into memory at every start; nothing is left on the disk."""


class TrainingImages:
    """The images of some folders and files.

    Args:
        paths: a folder, or a list of folders and files; relative ones are below `root`.
        root: see `paths`; None: the working directory.
        cache: where decoded images are kept; None: they are not, and every crop decodes its file.
        skip_damaged: leave out images that cannot be read, instead of refusing to train.

    Raises:
        InputError: the list is empty.
    """

    def __init__(self, paths: str | Sequence[str | Path], *, root: str | None, cache: str | None, skip_damaged: bool) -> None:
        if not paths:
            raise InputError("data.train (or data.degraded) names no folder; give one: data.train=<folder>, or a list of them.")
        self.paths, self.root, self.skip_damaged = paths, root, skip_damaged
        self.cache = None if cache is None else Path(cache)

    @cached_property
    def parts(self) -> list[Part]:
        """The folders of images; only names are read."""
        return list(parts_in(self.paths, self.root))

    @cached_property
    def folders(self) -> list[DecodedFolder]:
        """What the cache holds, or is to hold, of each part; none without a cache."""
        return [] if self.cache is None else [DecodedFolder(part, self.cache) for part in self.parts]

    def undecoded(self, *, also_small: bool) -> list[DecodedFolder]:
        """The folders that are still to be decoded into the cache; `also_small`: also of sets that training keeps in memory.

        Raises:
            InputError: they would not fit on the disk, by an estimate from the first of them.
        """
        missing = [folder for folder in self.folders if folder.records() is None]
        if not missing or (not also_small and _fit_in_memory(self.folders)):
            return []
        _check_estimated_space(missing)
        return missing

    def load(self, *, smallest: int) -> Images:
        """All images, 8-bit RGB, in the order of their folders and names; whatever is wrong with one shows now.

        Raises:
            InputError: an image cannot be read, or has a side below `smallest` pixels.
        """
        if self.cache is None:
            paths = [path for part in self.parts for path in self._readable(part, smallest)]
            return EncodedImages(paths, skip_damaged=self.skip_damaged)
        if any(folder.records() is None for folder in self.folders):
            missing = self.undecoded(also_small=False)
            if not missing:
                return self._in_memory(smallest)
            for folder in missing:
                for _ in folder.decode(smallest=smallest, skip_damaged=self.skip_damaged):
                    pass
        decoded = [(folder, folder.read()) for folder in self.folders]
        for folder, records in decoded:
            sizes = [record.size for record in records]
            check_smallest(folder.part, sizes, smallest)
            check_damaged(sizes, skip_damaged=self.skip_damaged)
        return MappedImages(decoded)

    def _readable(self, part: Part, smallest: int) -> list[Path]:
        sizes = list(read_all(image_size, part.paths))
        check_smallest(part, sizes, smallest)
        check_damaged(sizes, skip_damaged=self.skip_damaged)
        return [path for path, size in zip(part.paths, sizes, strict=True) if not isinstance(size, str)]

    def _in_memory(self, smallest: int) -> list[UInt8[np.ndarray, "h w 3"]]:
        for folder in self.folders:
            check_smallest(folder.part, folder.sizes, smallest)
        images = list(read_all(read_image, (path for part in self.parts for path in part.paths)))
        check_damaged(
            [image if isinstance(image, str) else image.shape[:2] for image in images], skip_damaged=self.skip_damaged
        )
        return [image for image in images if not isinstance(image, str)]


def _fit_in_memory(folders: Sequence[DecodedFolder]) -> bool:
    """Whether the images decode to little; looks at no more headers than it takes to know."""
    available = min(IN_MEMORY, psutil.virtual_memory().available // 2)
    for folder in folders:
        available -= decoded_bytes(folder.sizes)
        if available < 0:
            return False
    return True


def _check_estimated_space(folders: Sequence[DecodedFolder]) -> None:
    """InputError where the folders are far too many for the disk; a single folder checks for itself, exactly."""
    if len(folders) == 1:
        return
    first, images = folders[0], sum(len(folder.part.names) for folder in folders)
    check_free_space(
        first.path.parent,
        decoded_bytes(first.sizes) / len(first.sizes) * images,
        content=f"{images} images, decoded,",
        remedy=f"train on fewer folders (data.train=[<folder>,..], such as {first.part.folder}), set data.cache=<folder on a "
        "large disk>, or decode anew for every crop (data.cache=null)",
    )
