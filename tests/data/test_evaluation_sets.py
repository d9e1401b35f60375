from pathlib import Path

import numpy as np
import pytest

from splatsr.data.evaluation_pairs import EvaluationSets, without_lr
from splatsr.data.evaluation_sets import RequestedSets, find_evaluation_sets
from splatsr.errors import InputError
from splatsr.image_files.writing import write_image
from zoomed_scenes import write_scenes

IMAGE = np.zeros((9, 9, 3), np.uint8)


@pytest.fixture
def root(photographs: Path) -> Path:
    """Set5 with an LR file at x3 below sets/, and a folder of photographs beside it."""
    write_image(photographs.parent / "sets/Set5/HR/baby.png", IMAGE)
    write_image(photographs.parent / "sets/Set5/LR_bicubic/X3/babyx3.png", IMAGE[:3, :3])
    return photographs.parent


def find(test: RequestedSets | None, root: Path) -> EvaluationSets:
    return find_evaluation_sets(test, root=str(root), test_root=str(root / "sets"))


def test_known_sets_stand_beside_folders(root: Path) -> None:
    sets = find(["set5", "photographs"], root)
    assert {name: len(images) for name, images in sets.items()} == {"set5": 1, "photographs": 3}
    assert list(sets["set5"][0].given) == [3]
    assert not sets["photographs"][0].given
    assert find("photographs", root) == {"photographs": sets["photographs"]}
    assert find(None, root) == {}


def test_named_lists_of_files_are_sets(root: Path) -> None:
    files = sorted((root / "photographs").iterdir())
    assert find({"one": files[:1], "two": files[1:]}, root) == {"one": without_lr(files[:1]), "two": without_lr(files[1:])}


def test_a_folder_may_have_a_known_sets_name(root: Path) -> None:
    write_image(root / "set5/own.png", IMAGE)
    assert [image.path.name for image in find("./set5", root)["set5"]] == ["own.png"]


@pytest.mark.parametrize(
    ("test", "refusal"),
    [
        ("urban100", r"test set urban100 is not there; expected .*sets/Urban100/HR.* data.test_root="),
        ("urban10", r"neither a known test set 'urban10' \(did you mean urban100\?\) nor such a folder"),
        (["photographs", "sets/../photographs"], "two folders alike"),
        ("nowhere", "nowhere does not exist"),
    ],
)
def test_what_is_not_there_or_not_clear_is_named(test: RequestedSets, refusal: str, root: Path) -> None:
    with pytest.raises(InputError, match=refusal):
        find(test, root)


def test_sets_that_no_rule_makes_need_their_lr_files(root: Path) -> None:
    write_image(root / "sets/Rain200H/test/norain/norain-1.png", IMAGE)
    with pytest.raises(InputError, match="rain200h is in .* without LR files; expected"):
        find("rain200h", root)
    write_image(root / "sets/Rain200H/test/rain/norain-1.png", IMAGE)
    (image,) = find("rain200h", root)["rain200h"]
    assert (image.degraded, image.zoomed) == (root / "sets/Rain200H/test/rain/norain-1.png", False)
    assert not image.given
    write_scenes(root / "sets")
    images = find("coz", root)["coz"]
    assert [(image.zoomed, image.degraded, sorted(image.given)) for image in images] == [
        (True, None, [2, 3]),
        (True, None, [2]),
    ]
