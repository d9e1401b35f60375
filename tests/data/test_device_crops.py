"""On the processor, where both decoders are libjpeg: the crops are the loader's to the last bit."""

import dataclasses
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from splatsr.data.batch_sampler import BatchRequest, BatchSampler
from splatsr.data.crops import CropDataset
from splatsr.data.degradation.chain import Degradation
from splatsr.data.degradation.downscale import Downscale
from splatsr.data.device_crops import DeviceCrops
from splatsr.data.image_sequences import Joined
from splatsr.data.sharded_images import ShardedImages
from splatsr.data.shards import Shards
from splatsr.errors import InputError

PROCESSOR = torch.device("cpu")


@pytest.fixture
def folder(photographs: Path) -> Path:
    """JPEGs in color, grey, in CMYK, lying on its side, and progressive; and a PNG."""
    for index, path in enumerate(sorted(photographs.iterdir())[:2]):
        Image.open(path).save(photographs / f"a{index}.jpg", quality=80 + index)
        path.unlink()
    colored = Image.open(photographs / "a0.jpg").copy()
    colored.convert("L").save(photographs / "grey.jpg")
    colored.convert("CMYK").save(photographs / "printed.jpg")
    colored.save(photographs / "progressive.jpg", progressive=True)
    (turned := Image.Exif())[0x0112] = 6
    colored.save(photographs / "turned.jpg", exif=turned)
    return photographs


def packed(folder: Path, *, skip_damaged: bool = False) -> ShardedImages:
    path = folder.with_suffix(".tar")
    with tarfile.open(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, file.name)
    return Shards(str(path), root=None, cache=None, skip_damaged=skip_damaged).load(smallest=24)


def requests(photographs: int, **changes: object) -> list[BatchRequest]:
    settings = {"batches": 5, "batch_size": 6, "scale_range": (2.0, 4.0), "scale_distribution": "uniform", "scale_per": "batch"}
    return list(BatchSampler(**{"photographs": photographs, "seed": 0, **settings, **changes}))


@pytest.mark.parametrize(
    ("patch_of", "changes"),
    [
        ("hr", {}),
        ("hr", {"candidates": 3, "permute_colors": True, "crops_per_photograph": 2}),
        ("lr", {"scale_per": "crop", "scale_range": (2.0, 3.0)}),
    ],
)
def test_they_are_those_that_the_loader_makes(folder: Path, patch_of: str, changes: dict) -> None:
    files = packed(folder)
    photographs = Joined(files, [np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)])
    patch = 24 if patch_of == "hr" else 8
    pil = Degradation({"pil": Downscale(rule="pil")})
    loaded = CropDataset(photographs, degraded=None, degradation=pil, patch=patch, patch_of=patch_of)
    made = DeviceCrops(photographs, files, downscales=True, patch=patch, patch_of=patch_of)
    seen = set()
    for request in requests(len(photographs), **changes):
        expected, found = loaded[request], made.on_device(made[request], PROCESSOR)
        seen |= {crop.photograph for crop in request.crops}
        assert expected.keys() == found.keys()
        assert (expected["scale"], expected["seeds"]) == (found["scale"], found["seeds"])
        assert torch.equal(expected["lr"], found["lr"])
        for one, other in zip(expected["hr"], found["hr"], strict=True):
            assert torch.equal(one, other)
    assert seen == set(range(len(photographs)))


def test_the_loader_decodes_what_devices_read_otherwise(folder: Path) -> None:
    files = packed(folder)
    names = [path.name for path in sorted(folder.iterdir())]
    left = {name for number, name in enumerate(names) if files.jpeg(number) is not None}
    assert left == {"a0.jpg", "a1.jpg", "grey.jpg", "progressive.jpg"}
    assert packed(folder).jpeg(names.index("a0.jpg")) == (folder / "a0.jpg").read_bytes()
    (request,) = requests(len(files), batches=1, batch_size=len(files))
    batch = DeviceCrops(files, files, downscales=True, patch=24, patch_of="hr")[request]
    assert {names[number] for number, one in batch.photographs.items() if isinstance(one, bytes)} == left


def test_with_a_camera_there_is_no_lr_yet(folder: Path) -> None:
    files = packed(folder)
    (request,) = requests(len(files), batches=1)
    crops = DeviceCrops(files, files, downscales=False, patch=24, patch_of="hr")
    batch = crops.on_device(crops[request], PROCESSOR)
    assert ("lr" in batch, batch["lr_side"]) == (False, int(24 / request.scales[0]))


def test_a_damaged_photograph_is_named_or_skipped(folder: Path) -> None:
    (folder / "2.png").unlink()
    (folder / "a0.jpg").write_bytes((folder / "a0.jpg").read_bytes()[:-400])
    crop = requests(6)[0].crops[0]

    def made(files: ShardedImages, photograph: int) -> torch.Tensor:
        crops = DeviceCrops(files, files, downscales=True, patch=24, patch_of="hr")
        request = BatchRequest((2.0,), (dataclasses.replace(crop, photograph=photograph),))
        return crops.on_device(crops[request], PROCESSOR)["hr"]

    with pytest.raises(InputError, match=r"a0\.jpg is damaged"):
        made(packed(folder), 0)
    files = packed(folder, skip_damaged=True)
    assert torch.equal(made(files, 0), made(files, 1)), "the next one takes its place"


def test_where_the_device_refuses_the_processor_decodes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = packed(folder)
    (request,) = requests(len(files), batches=1)
    crops = DeviceCrops(files, files, downscales=True, patch=24, patch_of="hr")
    expected = crops.on_device(crops[request], PROCESSOR)

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("nvJPEG")

    monkeypatch.setattr("torchvision.io.decode_jpeg", refuse)
    found = crops.on_device(crops[request], PROCESSOR)
    assert torch.equal(found["hr"], expected["hr"])
    assert torch.equal(found["lr"], expected["lr"])
