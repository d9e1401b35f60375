"""An image file of any format, opened: what is known of it from its header, and its pixels when they are asked for."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from PIL import Image

from splatsr.image_files.samples import Samples


class ImageFile(ABC):
    """What `PngFile`, `TiffFile` and `PillowFile` are.

    Attributes:
        path: of the file.
        size: (height, width) in pixels, upright.
        is_grey: whether a pixel is one level, with neither palette nor alpha.
        several: what the file may have several of, of which the first is read: frames or pages.
    """

    path: Path
    size: tuple[int, int]
    is_grey: bool
    several: ClassVar[str]

    @property
    @abstractmethod
    def exif(self) -> Image.Exif:
        """As it is in the file; empty where there is none, or a damaged one."""

    @property
    @abstractmethod
    def profile(self) -> bytes | None:
        """The ICC profile, of whatever color space; None where there is none."""

    @property
    @abstractmethod
    def count(self) -> int:
        """Of the frames or pages."""

    @abstractmethod
    def decode(self) -> Samples:
        """The pixels, upright.

        Raises:
            InputError: they are of a kind that is not known to be read right.
            Exception: of any kind, where the file is damaged.
        """
