from pathlib import Path

import pytest
import torch

from splatsr.data.module import PhotoData
from splatsr.errors import InputError


def data(**changes: object) -> PhotoData:
    settings = {
        "root": None, "train": None, "test": None, "patch": 24, "patch_of": "hr", "scale_range": [2, 3],
        "scale_per": "batch", "batch_size": 2, "batches_per_epoch": 4, "workers": 0, "validation_scales": [2], "seed": 0,
    }  # fmt: skip
    return PhotoData(**{**settings, **changes})


def batches(photographs: Path, workers: int, epoch: int) -> list[dict]:
    module = data(train=str(photographs), workers=workers)
    module.setup("fit")
    loader = module.train_dataloader()
    loader.sampler.set_epoch(epoch)
    return list(loader)


def test_workers_do_not_change_what_is_seen(photographs: Path) -> None:
    alone, parallel = batches(photographs, 0, 1), batches(photographs, 2, 1)
    assert len(alone) == 4
    for one, other in zip(alone, parallel, strict=True):
        assert one["scale"] == other["scale"]
        assert torch.equal(one["lr"], other["lr"])
        assert torch.equal(one["hr"], other["hr"])


def test_one_scale_fixes_all_shapes_of_a_batch(photographs: Path) -> None:
    for batch in batches(photographs, 0, 0):
        side = int(24 / batch["scale"])
        assert batch["lr"].shape == (2, 3, side, side)
        assert batch["hr"].shape[-1] == round(side * batch["scale"])


def test_folders_name_their_sets(photographs: Path) -> None:
    module = data(test=str(photographs))
    assert {name: len(paths) for name, paths in module.test_sets.items()} == {"photographs": 3}
    pairs = list(module.val_dataloader())
    assert [pair.set_name for pair in pairs] == ["photographs"] * 3
    with pytest.raises(InputError, match="two folders alike"):
        data(test=[str(photographs), str(photographs)])


def test_the_embedded_photographs_are_there_and_kept_apart() -> None:
    from splatsr.data.photos import held_out_photographs, small_photograph, training_photographs

    training, held_out = training_photographs(), held_out_photographs()["photos"]
    assert len(training) == 7
    assert not set(training) & set(held_out)
    module = data(train=training, test={"photos": held_out}, patch=96)
    module.setup("fit")
    assert len(module.crops.photographs) == 7
    assert [path.name for paths in small_photograph().values() for path in paths] == ["microaneurysms.png"]
