from pathlib import Path

import pytest

from splatsr.errors import InputError
from splatsr.image_files.result_names import Naming, check_format


@pytest.mark.parametrize(
    ("naming", "made"),
    [
        (Naming(), ["in/a.png", "b.JPG", "c.gif.png"]),
        (Naming("_x4"), ["in/a_x4.png", "b_x4.JPG", "c_x4.gif.png"]),
        (Naming(format="webp"), ["in/a.webp", "b.webp", "c.webp"]),
        (Naming("_x4", "tif"), ["in/a_x4.tif", "b_x4.tif", "c_x4.tif"]),
    ],
)
def test_names(naming: Naming, made: list[str]) -> None:
    sources = ["in/a.png", "b.JPG", "c.gif"]
    assert [str(naming.name(Path(source))) for source in sources] == made


@pytest.mark.parametrize("wrong", ["gif", ".png", "PNG", "", "x", 3])
def test_formats_that_are_not_written_are_refused(wrong: object) -> None:
    check_format(None)
    check_format("jpeg")
    with pytest.raises(InputError, match="format must be one of avif bmp"):
        check_format(wrong)
