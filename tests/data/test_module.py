import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from composed import settings_of
from splatsr.data.degradation.camera import Camera
from splatsr.data.degradation.downscale import Downscale
from splatsr.data.degradation.eight_bit import EightBit
from splatsr.data.drawings import drawing
from splatsr.data.evaluation_pairs import LowResolution
from splatsr.data.module import PhotoData
from splatsr.data.rank_share import BatchShare
from splatsr.errors import InputError
from splatsr.image_files.reading import read_image
from splatsr.image_files.writing import write_image
from splatsr.resize.levels import to_tensor
from splatsr.runs.configuration import instantiate
from tiny_runs import make_archive
from zoomed_scenes import write_scenes


def data(**changes: object) -> PhotoData:
    settings = {
        "root": None, "train": None, "degraded": None, "test": None, "test_root": "nowhere",
        "degradation": {"pil": Downscale(rule="pil")}, "cache": None, "skip_damaged": False,
        "decode_on": "host", "shards": False, "scenes": False, "drawings": 0,
        "patch": 24, "patch_of": "hr", "scale_range": [2, 3],
        "scale_distribution": "uniform", "scale_per": "batch",
        "crops_per_photograph": 1, "crop_candidates": 1, "permute_colors": False,
        "batch_size": 2, "batches_per_epoch": 4, "workers": 0, "validation_scales": [2],
        "low_resolution": LowResolution("pil", given=False, crop="liif"), "licence": None, "seed": 0,
    }  # fmt: skip
    return PhotoData(**{**settings, **changes})


def batches(photographs: Path, workers: int, epoch: int, **changes: object) -> list[dict]:
    module = data(train=str(photographs), workers=workers, **changes)
    module.setup("fit")
    loader = module.train_dataloader()
    loader.sampler.set_epoch(epoch)
    return list(loader)


@pytest.fixture
def camera() -> dict[str, Camera]:
    return {"camera": instantiate(settings_of("data/degradation=camera")["data"]["degradation"]["camera"], "camera")}


def assert_same(one: list[dict], other: list[dict]) -> None:
    assert len(one) == len(other) == 4
    for first, second in zip(one, other, strict=True):
        assert first["scale"] == second["scale"]
        assert torch.equal(first["lr"], second["lr"])
        assert torch.equal(first["hr"], second["hr"])


def test_workers_do_not_change_what_is_seen(photographs: Path) -> None:
    assert_same(batches(photographs, 0, 1), batches(photographs, 2, 1))


def test_an_archive_gives_the_batches_of_its_folder(photographs: Path, tmp_path: Path) -> None:
    archive = make_archive(photographs)
    for workers in (0, 2):
        from_archive = batches(archive, workers, 1, shards=True, cache=str(tmp_path / "cache"), crops_per_photograph=2)
        assert_same(batches(photographs, 0, 1, crops_per_photograph=2), from_archive)


@pytest.mark.parametrize("workers", [0, 2])
def test_decoded_on_the_device_they_are_the_same(photographs: Path, workers: int, camera: dict[str, Camera]) -> None:
    for path in photographs.iterdir():
        Image.open(path).save(path.with_suffix(".jpg"), quality=90)
        path.unlink()
    archive = make_archive(photographs)
    module = data(train=str(archive), shards=True, decode_on="device", workers=workers)
    module.setup("fit")
    (loader := module.train_dataloader()).sampler.set_epoch(1)
    assert_same(batches(photographs, 0, 1), [module.on_after_batch_transfer(batch, 0) for batch in loader])
    module = data(train=str(archive), shards=True, decode_on="device", degradation=camera)
    module.setup("fit")
    batch = module.on_after_batch_transfer(next(iter(module.train_dataloader())), 0)
    assert batch["lr"].shape[-1] == batch["lr_side"]


def test_what_cannot_be_decoded_on_the_device_is_refused(photographs: Path, camera: dict[str, Camera]) -> None:
    archive = str(make_archive(photographs))
    with pytest.raises(InputError, match=r"data\.decode_on=device decodes files of archives"):
        data(train=str(photographs), decode_on="device")
    with pytest.raises(InputError, match=r"data/degradation=\[pil,eight_bit\] works in the loader"):
        steps = {"pil": Downscale(rule="pil"), "eight_bit": EightBit()}
        data(train=archive, shards=True, decode_on="device", degradation=steps)
    with pytest.raises(InputError, match=r"data/degradation=\[matlab\] works in the loader"):
        data(train=archive, shards=True, decode_on="device", degradation={"matlab": Downscale(rule="matlab")})


def test_archives_that_changed_are_not_gone_on_with(photographs: Path) -> None:
    archive = make_archive(photographs)
    began = data(train=str(archive), shards=True).state_dict()
    data(train=str(archive), shards=True).load_state_dict(began)
    with archive.open("ab") as file:
        file.write(bytes(512))
    with pytest.raises(InputError, match="are not those that this training began with"):
        data(train=str(archive), shards=True).load_state_dict(began)


def test_what_needs_folders_says_so_of_archives(photographs: Path) -> None:
    archive = str(make_archive(photographs))
    with pytest.raises(InputError, match="images in folders"):
        data(train=archive, shards=True).training_images()
    with pytest.raises(InputError, match="no counterpart in archives"):
        data(train=archive, shards=True, degraded=str(photographs))


def test_neither_does_the_folder_that_images_come_from(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(2):  # beside and below one another
        write_image(photographs / f"1b/{index}.png", np.full((40, 50, 3), 80 * index, np.uint8))
    in_memory = batches(photographs, 0, 0, cache=str(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()
    assert_same(in_memory, batches(photographs, 0, 0, cache=None))
    monkeypatch.setattr("splatsr.data.training_images.IN_MEMORY", 0)
    assert_same(in_memory, batches(photographs, 2, 0, cache=str(tmp_path / "cache")))
    assert len(list((tmp_path / "cache").glob("*/pixels.u8"))) == 2


def test_one_scale_fixes_all_shapes_of_a_batch(photographs: Path) -> None:
    for batch in batches(photographs, 0, 0):
        side = int(24 / batch["scale"])
        assert batch["lr"].shape == (2, 3, side, side)
        assert batch["hr"].shape[-1] == round(side * batch["scale"])


def test_folders_name_their_sets(photographs: Path) -> None:
    module = data(test=str(photographs))
    assert {name: len(images) for name, images in module.test_sets.items()} == {"photographs": 3}
    pairs = list(module.val_dataloader())
    assert [pair.set_name for pair in pairs] == ["photographs"] * 3
    with pytest.raises(InputError, match="lacks elsewhere"):
        data(test=[str(photographs), "elsewhere"], root=str(photographs))


@pytest.fixture
def rain(tmp_path: Path) -> Path:
    """Eleven pairs in Rain200H's tree, to train on and, two of them, to test."""
    random = np.random.default_rng(0)
    for index in range(1, 12):
        clean = random.integers(0, 128, (30, 40, 3)).astype(np.uint8)
        for split in ("train", "test")[: 2 if index < 3 else 1]:
            write_image(tmp_path / f"Rain200H/{split}/norain/norain-{index}.png", clean)
            write_image(tmp_path / f"Rain200H/{split}/rain/X2/norain-{index}x2.png", clean + 100)
    return tmp_path


def rainy(root: Path, **changes: object) -> PhotoData:
    paths = {"train": "Rain200H/train/norain", "degraded": "Rain200H/train/rain", "test": "rain200h"}
    settings = {"root": str(root), "test_root": str(root), "scale_range": [1, 1], "validation_scales": [1], **paths}
    return data(**{**settings, **changes})


def test_pairs_are_trained_on_and_tested_as_pairs(rain: Path) -> None:
    module = rainy(rain)
    module.prepare_data()
    module.setup("fit")
    for batch in module.train_dataloader():
        torch.testing.assert_close(batch["lr"], batch["hr"] + 100 / 255)
    pairs = list(module.val_dataloader())
    assert len(pairs) == 2
    for pair in pairs:
        torch.testing.assert_close(pair.lr, pair.hr + 100 / 255)
        assert torch.equal(pair.hr, to_tensor(read_image(pair.path)))


def test_pairs_that_do_not_match_are_named(rain: Path) -> None:
    write_image(rain / "Rain200H/train/rain/X2/norain-4x2.png", np.zeros((30, 41, 3), np.uint8))
    with pytest.raises(InputError, match=r"norain-4x2\.png has another size than .*norain-4\.png"):
        rainy(rain).setup("fit")
    (rain / "Rain200H/train/rain/X2/norain-4x2.png").unlink()
    with pytest.raises(InputError, match=r"norain-4\.png has no partner"):
        rainy(rain).setup("fit")
    with pytest.raises(InputError, match="do not go together"):
        rainy(rain, skip_damaged=True).setup("fit")


def test_rainy_crops_are_made_smaller_and_tested_so(rain: Path) -> None:
    module = rainy(rain, scale_range=[2, 3], validation_scales=[2, 2.5])
    module.setup("fit")
    for batch in module.train_dataloader():
        assert batch["hr"].shape[-1] > batch["lr"].shape[-1]
        assert (batch["lr"].mean() - batch["hr"].mean()).item() == pytest.approx(100 / 255, abs=0.02)
    pairs = list(module.val_dataloader())
    assert [pair.lr.shape for pair in pairs] == [(3, 15, 20), (3, 12, 16)] * 2
    assert all(pair.lr.mean() > pair.hr.mean() + 0.35 for pair in pairs)


def zoomed(root: Path, **changes: object) -> PhotoData:
    settings = {
        "root": str(write_scenes(root)), "test_root": str(root), "train": "COZ/train_LR", "test": "coz", "scenes": True,
        "degradation": {}, "patch": 16, "patch_of": "lr", "scale_per": "crop", "scale_range": [1, 16], "batch_size": 4,
    }  # fmt: skip
    return data(**{**settings, **changes})


def test_scenes_are_trained_on_as_pairs_the_same_on_any_worker_and_from_any_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seen(epoch: int, **changes: object) -> list[dict]:
        module = zoomed(tmp_path, **changes)
        module.prepare_data()
        module.setup("fit")
        loader = module.train_dataloader()
        loader.sampler.set_epoch(epoch)
        return list(loader)

    expected = seen(1)
    ratios = {64 / 40, 3.0, 120 / 64, 111 / 47}
    for batch in expected:
        assert batch["lr"].shape == (4, 3, 16, 16)
        assert set(batch["scale"]) <= ratios
        assert [image.shape[-1] for image in batch["hr"]] == [round(16 * scale) for scale in batch["scale"]]
    others = [seen(1, workers=2), seen(1, cache=str(tmp_path / "cache"))]
    monkeypatch.setattr("splatsr.data.training_images.IN_MEMORY", 0)
    others.append(seen(1, cache=str(tmp_path / "cache")))
    assert len(list((tmp_path / "cache").glob("*/pixels.u8"))) == 2
    for other in others:
        for one, same in zip(expected, other, strict=True):
            assert one["scale"] == same["scale"]
            assert torch.equal(one["lr"], same["lr"])
            assert all(map(torch.equal, one["hr"], same["hr"]))
    assert seen(2)[0]["scale"] != expected[0]["scale"]
    whole = seen(1, scale_per="batch")
    assert all(batch["hr"].shape[-1] == round(16 * batch["scale"]) for batch in whole)


def test_scenes_are_validated_as_they_were_taken(tmp_path: Path) -> None:
    pairs = list(zoomed(tmp_path, validation_scales=[2, 3]).val_dataloader())
    assert [(pair.name, pair.scale, tuple(pair.lr.shape[1:]), tuple(pair.hr.shape[1:])) for pair in pairs] == [
        ("1.png", 2, (48, 64), (90, 120)), ("1.png", 3, (30, 40), (90, 120)), ("2.png", 2, (33, 47), (78, 111))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"degradation": {"pil": Downscale(rule="pil")}}, "does not go with data.degradation; see data=coz"),
        ({"drawings": 1}, "data.drawings"),
        ({"skip_damaged": True}, "data.skip_damaged"),
        ({"crop_candidates": 2}, "data.crop_candidates"),
        ({"patch": 96, "patch_of": "hr", "scale_per": "batch"}, "needs data.patch_of=lr"),
        ({"patch": 32}, r"1/1\.png is 40x30 pixels, smaller than the training crop of 32x32"),
        ({"train": "COZ/test_HR"}, "has no two images|one view at several"),
    ],
)
def test_what_does_not_go_with_scenes_is_named(changes: dict, refusal: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=refusal):
        zoomed(tmp_path, **{"scale_range": [1.2, 16], **changes}).setup("fit")


def test_the_embedded_photographs_are_there_and_kept_apart() -> None:
    from splatsr.data.photos import held_out_photographs, small_photograph, training_photographs

    training, held_out = training_photographs(), held_out_photographs()["photos"]
    assert len(training) == 7
    assert not set(training) & set(held_out)
    module = data(train=training, test={"photos": held_out}, patch=96, cache="unused")
    assert module.training_images() == training
    module.setup("fit")
    assert len(module.crops.photographs) == 7
    assert [path.name for paths in small_photograph().values() for path in paths] == ["microaneurysms.png"]


def test_a_training_goes_on_with_the_images_that_it_began_with(photographs: Path, tmp_path: Path) -> None:
    begun = data(train=str(photographs)).state_dict()
    shutil.copytree(photographs, tmp_path / "moved")
    data(train=str(tmp_path / "moved")).load_state_dict(begun)
    write_image(tmp_path / "moved/more.png", np.zeros((60, 60, 3), np.uint8))
    with pytest.raises(InputError, match=r"are not those that this training began with \(3 then, 4 now\)"):
        data(train=str(tmp_path / "moved")).load_state_dict(begun)


def test_drawings_come_beside_the_images(photographs: Path) -> None:
    module = data(train=str(photographs), drawings=3)
    module.setup("fit")
    images = module.crops.photographs
    assert len(images) == len(module.training_images()) + 3
    assert np.array_equal(images[len(images) - 1], drawing(2))
    with pytest.raises(IndexError):
        images[len(images)]


def test_drawings_need_crops_that_fit_and_no_degraded_images(photographs: Path) -> None:
    with pytest.raises(InputError, match="data.drawings=0"):
        data(train=str(photographs), drawings=1, patch=400)
    with pytest.raises(InputError, match="data.drawings=0"):
        data(train=str(photographs), degraded=str(photographs), drawings=1)


def photographed(photographs: Path, camera: dict[str, Camera], epoch: int, workers: int, **changes: object) -> list[dict]:
    module = data(train=str(photographs), degradation=camera, workers=workers, **changes)
    module.setup("fit")
    loader = module.train_dataloader()
    loader.sampler.set_epoch(epoch)
    return [module.on_after_batch_transfer(batch, 0) for batch in loader]


def test_a_camera_makes_the_lr_images_of_whole_batches(photographs: Path, camera: dict[str, Camera]) -> None:
    """The same with any number of workers, whatever was drawn before, and on the very HR crops of any degradation."""
    torch.manual_seed(0)
    seen = photographed(photographs, camera, 1, 0)
    torch.manual_seed(1)
    assert_same(seen, photographed(photographs, camera, 1, 2))
    clean = batches(photographs, 0, 1)
    for one, other in zip(seen, clean, strict=True):
        assert torch.equal(one["hr"], other["hr"])
        assert one["lr"].shape == other["lr"].shape
        assert not torch.equal(one["lr"], other["lr"])
    assert not torch.equal(seen[0]["lr"], photographed(photographs, camera, 0, 0)[0]["lr"])


def test_a_share_of_a_batch_has_the_lr_images_that_the_whole_has(photographs: Path, camera: dict[str, Camera]) -> None:
    module = data(train=str(photographs), degradation=camera)
    module.setup("fit")
    sampler = module.train_dataloader().sampler.whole
    (whole, *_) = photographed(photographs, camera, 0, 0)
    for rank in (0, 1):
        request = next(iter(BatchShare(sampler, rank=rank, ranks=2, parts=1)))
        part = module.on_after_batch_transfer(module.crops[request], 0)
        assert torch.equal(part["lr"], whole["lr"][[rank]])


def test_a_camera_takes_crops_of_several_scales(photographs: Path, camera: dict[str, Camera]) -> None:
    changes = {"patch_of": "lr", "patch": 16, "scale_range": [1, 3], "scale_per": "crop"}
    for batch in photographed(photographs, camera, 0, 0, **changes):
        assert batch["lr"].shape == (2, 3, 16, 16)
        assert [image.shape[-1] for image in batch["hr"]] == [round(16 * scale) for scale in batch["scale"]]


def test_a_camera_leaves_the_validation_alone_and_stands_alone(photographs: Path, camera: dict[str, Camera]) -> None:
    module = data(test=str(photographs), degradation=camera)
    pair = next(iter(module.val_dataloader()))
    assert module.on_after_batch_transfer(pair, 0) is pair
    assert module.on_after_batch_transfer(None, 0) is None
    with pytest.raises(InputError, match=r"data/degradation=\[camera,pil\]: camera makes LR images by itself"):
        data(degradation=camera | {"pil": Downscale(rule="pil")})
    with pytest.raises(InputError, match="data.degraded must be null"):
        data(train=str(photographs), degraded=str(photographs), degradation=camera)
