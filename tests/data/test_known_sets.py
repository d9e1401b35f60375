from pathlib import Path

import numpy as np
import pytest

from splatsr.data.known_sets import KNOWN_SETS, find_set, missing
from splatsr.errors import InputError
from splatsr.image_files.writing import write_image


def write(root: Path, *files: str) -> None:
    for file in files:
        write_image(root / file, np.zeros((8, 8, 3), np.uint8))


TREES = {
    "EDSR's archive": (
        "set5",
        "benchmark/Set5/HR/{}.png",
        {2: "benchmark/Set5/LR_bicubic/X2/{}x2.png", 4: "benchmark/Set5/LR_bicubic/X4/{}x4.png"},
    ),
    "BasicSR": ("urban100", "Urban100/GTmod12/{}.png", {3: "Urban100/LRbicx3/{}.png"}),
    "SelfExSR": (
        "b100",
        "BSD100/image_SRF_2/{}_SRF_2_HR.png",
        {2: "BSD100/image_SRF_2/{}_SRF_2_LR.png", 4: "BSD100/image_SRF_4/{}_SRF_4_LR.png"},
    ),
    "images alone": ("manga109", "Manga109/{}.png", {}),
    "FSRCNN's": ("general100", "General-100/im_{}.bmp", {}),
    "slices": ("brats", "BraTS/{}.png", {}),
    "DIV2K": ("div2k_valid", "DIV2K/DIV2K_valid_HR/{}.png", {2: "DIV2K/DIV2K_valid_LR_bicubic/X2/{}x2.png"}),
    "LSDIR": ("lsdir_valid", "LSDIR/val1/HR/val/{}.png", {4: "LSDIR/val1/X4/val/{}x4.png"}),
    "Rain200H": ("rain200h", "Rain200H/test/norain/norain-{}.png", {1: "Rain200H/test/rain/X2/norain-{}x2.png"}),
    "deraining folders": ("rain200h", "Rain200H/test/target/{}.png", {1: "Rain200H/test/input/{}.png"}),
}


@pytest.mark.parametrize("tree", TREES)
def test_trees_as_they_are_distributed(tree: str, tmp_path: Path) -> None:
    name, hr, lr = TREES[tree]
    write(tmp_path, *(file.format(image) for file in (hr, *lr.values()) for image in ("1", "2", "10")))
    if tree == "SelfExSR":
        write(tmp_path, *(f"BSD100/image_SRF_4/{image}_SRF_4_HR.png" for image in ("1", "2", "10")))
    found = find_set(name, tmp_path)
    assert found.images == sorted(tmp_path / hr.format(image) for image in ("1", "2", "10"))
    assert found.scales == sorted(lr)
    pairs = dict(zip(found.images, found.given, strict=True))
    for image in ("1", "2", "10"):
        for scale, pair in pairs[tmp_path / hr.format(image)].items():
            assert pair.lr == tmp_path / lr[scale].format(image)
            assert pair.hr == tmp_path / hr.format(image).replace("SRF_2", f"SRF_{scale}")


def test_real_zoom_counts_its_factors_from_two(tmp_path: Path) -> None:
    write(tmp_path, "COZ/test_HR/154.png", "COZ/test_HR/155.png")
    write(
        tmp_path, *(f"COZ/test_LR/{scene}/{zoom}.png" for scene, zooms in (("154", "abcde"), ("155", "abcd")) for zoom in zooms)
    )
    found = find_set("coz", tmp_path)
    assert [sorted(pairs) for pairs in found.given] == [[2, 3, 4, 5, 6], [2, 3, 4, 5]]
    assert found.given[1][5].lr == tmp_path / "COZ/test_LR/155/d.png"
    write(tmp_path, "COZ/test_HR/156.png")
    with pytest.raises(InputError, match="has 2 folders for 3 images"):
        find_set("coz", tmp_path)


def test_of_two_copies_the_one_with_lr_files_counts(tmp_path: Path) -> None:
    write(tmp_path, "Set5/baby.png", "benchmark/Set5/HR/baby.png", "benchmark/Set5/LR_bicubic/X2/babyx2.png")
    assert find_set("set5", tmp_path).folder == tmp_path / "benchmark/Set5/HR"


def test_an_incomplete_lr_folder_is_named(tmp_path: Path) -> None:
    write(tmp_path, "Set5/HR/baby.png", "Set5/HR/bird.png", "Set5/LR_bicubic/X2/babyx2.png")
    with pytest.raises(InputError, match=r"bird\.png has no partner"):
        find_set("set5", tmp_path)


@pytest.mark.parametrize("name", KNOWN_SETS)
def test_a_missing_set_says_where_it_should_be(name: str, tmp_path: Path) -> None:
    assert find_set(name, tmp_path) is None
    assert f"test set {name} is not there; expected its HR images in one of {tmp_path}" in missing(name, tmp_path)
