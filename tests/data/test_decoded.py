import errno
import json
import os
import pickle
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from splatsr.data import decoded
from splatsr.data.decoded import INDEX, DecodedFolder
from splatsr.data.image_sequences import MappedImages
from splatsr.errors import InputError
from splatsr.image_files.folder import find_parts
from splatsr.image_files.reading import read_image
from splatsr.image_files.writing import write_image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five images of different sizes."""
    random = np.random.default_rng(0)
    for index in range(5):
        write_image(tmp_path / f"set/{index}.png", random.integers(0, 256, (20 + index, 30, 3)).astype(np.uint8))
    return tmp_path / "set"


def decoded_folder(folder: Path) -> DecodedFolder:
    (part,) = find_parts(folder)
    return DecodedFolder(part, folder.parent / "cache")


def decode(folder: Path, *, smallest: int = 1, skip_damaged: bool = False) -> DecodedFolder:
    one = decoded_folder(folder)
    assert len(list(one.decode(smallest=smallest, skip_damaged=skip_damaged))) == len(one.part.names)
    return one


def images(folder: Path) -> MappedImages:
    one = decoded_folder(folder)
    return MappedImages([(one, one.records())])


def assert_whole(folder: Path) -> None:
    mapped, paths = images(folder), sorted(folder.iterdir())
    assert len(mapped) == len(paths)
    for image, path in zip(mapped, paths, strict=True):
        assert np.array_equal(image, read_image(path))


def test_decoded_images_are_the_images(folder: Path) -> None:
    assert decoded_folder(folder).records() is None
    made = decode(folder).path
    assert_whole(folder)
    assert made.name.startswith("set-")
    assert sorted(path.name for path in made.parent.iterdir()) == [made.name, f"{made.name}.lock"]
    with pytest.raises(IndexError):
        images(folder)[5]


def test_several_folders_follow_one_another(folder: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "other/a.png", np.full((7, 9, 3), 5, np.uint8))
    both = [(one := decode(source), one.records()) for source in (folder, tmp_path / "other")]
    mapped = MappedImages([(one, records) for one, records in both])
    assert len(mapped) == 6
    assert mapped[5].shape == (7, 9, 3)
    assert mapped[4].shape == (24, 30, 3)


def test_the_map_travels_as_a_name_and_cannot_be_written_to(folder: Path) -> None:
    decode(folder)
    mapped = images(folder)
    first = mapped[0].copy()
    content = pickle.dumps(mapped)
    assert len(content) < 2000
    assert np.array_equal(pickle.loads(content)[0], first)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0][0, 0, 0] = 1


def touch(path: Path) -> None:
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1))


@pytest.mark.parametrize("change", ["added", "removed", "renamed", "touched", "rewritten"])
def test_whatever_changes_is_noticed_and_mended(folder: Path, change: str) -> None:
    decode(folder)
    image = np.full((21, 22, 3), 9, np.uint8)
    {
        "added": lambda: write_image(folder / "2b.png", image),
        "removed": lambda: (folder / "2.png").unlink(),
        "renamed": lambda: (folder / "2.png").rename(folder / "2c.png"),
        "touched": lambda: touch(folder / "2.png"),
        "rewritten": lambda: write_image(folder / "2.png", image),
    }[change]()
    assert decoded_folder(folder).records() is None
    decode(folder)
    assert_whole(folder)


def test_a_shortened_pixel_file_does_not_count(folder: Path) -> None:
    made = decode(folder).path
    os.truncate(made / "pixels.u8", 100)
    assert decoded_folder(folder).records() is None
    decode(folder)
    assert_whole(folder)


def test_an_index_that_does_not_fit_its_images_is_not_trusted(folder: Path) -> None:
    index = decode(folder).path / decoded.INDEX
    name, length, mtime, height, width = json.loads(index.read_text().splitlines()[0])
    rest = index.read_text().splitlines()[1:]
    assert height != width
    hostile = [name, length, mtime, width, height], [name, length, mtime, -height, -width], {"a": 1}, 3, [name, length, mtime]
    for line in hostile:
        index.write_text("\n".join([json.dumps(line), *rest]) + "\n")
        assert decoded_folder(folder).records() is None
    for content in (b"", b"\xff\x00", b"[" * 100_000):
        index.write_bytes(content)
        assert decoded_folder(folder).records() is None
    decode(folder)
    assert_whole(folder)


@pytest.mark.parametrize("fits", [0, 3])
def test_a_full_disk_leaves_nothing_that_counts_and_the_next_run_goes_on(
    folder: Path, fits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, written = decoded.append, []

    def append(file, image) -> None:
        if len(written) == fits:
            file.write(np.ascontiguousarray(image).tobytes()[:100])  # some of it still fits
            file.flush()
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(image)
        original(file, image)

    monkeypatch.setattr(decoded, "append", append)
    one = decoded_folder(folder)
    with pytest.raises(InputError, match=r"set-\w+ cannot be written: No space left on device. Free .* data.cache"):
        list(one.decode(smallest=1, skip_damaged=False))
    assert one.records() is None
    assert not one.path.exists()

    again = []
    monkeypatch.setattr(decoded, "append", lambda file, image: (again.append(image), original(file, image)))
    decode(folder)
    assert len(again) == 5 - fits, "what was decoded stays"
    assert_whole(folder)


def test_a_killed_run_goes_on_where_it_stopped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = decoded_folder(folder).decode(smallest=1, skip_damaged=False)
    next(steps), next(steps)
    steps.close()
    partial = decoded_folder(folder).path.with_name(f"{decoded_folder(folder).path.name}.partial")
    with (partial / INDEX).open("a") as index:
        index.write('["2.png", 12')  # killed while it wrote a line
    read = []
    monkeypatch.setattr(decoded, "read_image", lambda path: (read.append(path.name), read_image(path))[1])
    touch(folder / "1.png")
    decode(folder)
    assert read == ["1.png", "2.png", "3.png", "4.png"], "a file that changed meanwhile is decoded again"
    assert_whole(folder)


def test_lines_without_their_pixels_are_dropped(folder: Path) -> None:
    steps = decoded_folder(folder).decode(smallest=1, skip_damaged=False)
    next(steps), next(steps), next(steps)
    steps.close()
    partial = decoded_folder(folder).path.with_name(f"{decoded_folder(folder).path.name}.partial")
    os.truncate(partial / "pixels.u8", 2000)  # as after a power cut
    decode(folder)
    assert_whole(folder)


def test_all_damaged_images_are_named_and_skipped_only_on_request(folder: Path) -> None:
    for name in ("1.png", "3.png"):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(
        InputError, match=r"2 of 5 images cannot be read.*skip_damaged=true.*1\.png is damaged.*3\.png is damaged"
    ):
        decode(folder)
    assert decoded_folder(folder).records() is None
    decode(folder, skip_damaged=True)
    mapped = images(folder)
    assert [image.shape[0] for image in mapped] == [20, 22, 24]
    assert np.array_equal(mapped[1], read_image(folder / "2.png"))


def test_images_below_the_crop_are_named_before_anything_is_written(folder: Path) -> None:
    with pytest.raises(InputError, match=r"0\.png is 30x20 pixels, smaller than the training crop of 24x24"):
        decode(folder, smallest=24)
    assert not decoded_folder(folder).path.exists()


def test_a_full_disk_is_noticed_beforehand(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match=r"the decoded images of .*set need about [0-9]+ bytes on disk, .* data.cache="):
        decode(folder)


def test_an_unwritable_cache_is_one_line(folder: Path) -> None:
    (folder.parent / "cache").write_text("a file where the folder should be")
    with pytest.raises(InputError, match="cannot be written"):
        decode(folder)


def test_of_several_processes_one_decodes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    monkeypatch.setattr(decoded, "read_image", lambda path: (read.append(path.name), read_image(path))[1])
    threads = [threading.Thread(target=decode, args=(folder,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read) == 5
    assert_whole(folder)


def test_links_to_nowhere_are_skipped_like_damaged_files(folder: Path) -> None:
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "nowhere.png").symlink_to("absent.png")
    with pytest.raises(InputError, match="2 of 7 images cannot be read"):
        decode(folder)
    assert len(images_of(decode(folder, skip_damaged=True))) == 5


def images_of(one: DecodedFolder) -> list[str]:
    return [record.stamp.name for record in one.read() if not isinstance(record.size, str)]
