import json
from pathlib import Path

import pytest
import torch

from splatsr.errors import InputError
from splatsr.image.field import GaussianField
from splatsr.prior.crops import Crop
from splatsr.prior.fits import Fits, done_chunks, save_chunk


def save(folder: Path, index: int, field: GaussianField) -> None:
    crops = [Crop(Path("photograph.png"), 0, 8 * k) for k in range(len(field.means))]
    save_chunk(
        folder / "fields", index, first=2 * index, crops=crops, field=field, psnr=torch.tensor([30.0, 31.0]), seconds=1.0
    )


def field_of(seed: int) -> GaussianField:
    draw = torch.Generator().manual_seed(seed)
    means, cholesky = 8 * torch.rand(2, 5, 2, generator=draw), torch.randn(2, 5, 3, generator=draw)
    return GaussianField(means, cholesky, torch.zeros(2, 5, 3), (8, 8), reference_scale=1)


def test_chunks_come_back_in_the_crops_order_whenever_they_were_saved(tmp_path: Path) -> None:
    for index in (2, 0, 1):
        save(tmp_path, index, field_of(index))
    assert done_chunks(tmp_path / "fields") == {0, 1, 2}
    fits = Fits(tmp_path, crops=6, batch=2)
    for index, (field, figures) in enumerate(fits.chunks()):
        assert torch.equal(field.cholesky, field_of(index).cholesky)
        assert [crop["number"] for crop in figures["crops"]] == [2 * index, 2 * index + 1]
        assert [crop["psnr"] for crop in figures["crops"]] == [30.0, 31.0]


def test_kernels_are_pooled_with_their_signs_made_alike(tmp_path: Path) -> None:
    save(tmp_path, 0, field_of(0))
    rows = Fits(tmp_path, crops=2, batch=2).pooled("all")
    assert rows.shape == (10, 3)
    assert rows[:, [0, 2]].min() >= 0
    given = field_of(0).cholesky.flatten(0, 1)
    torch.testing.assert_close(rows.abs(), given.abs())


def test_kernels_outside_their_crop_are_not_visible(tmp_path: Path) -> None:
    field = field_of(0)
    field.means[:, 0] = -1000
    field.cholesky[..., 0] = field.cholesky[..., 2] = 1.0
    save(tmp_path, 0, field)
    assert len(Fits(tmp_path, crops=2, batch=2).pooled("visible")) == 8
    with pytest.raises(InputError, match="all or visible"):
        Fits(tmp_path, crops=2, batch=2).pooled("some")


def test_a_chunk_without_its_figures_has_not_been_fitted(tmp_path: Path) -> None:
    save(tmp_path, 0, field_of(0))
    save(tmp_path, 1, field_of(1))
    (tmp_path / "fields/00001.json").unlink()
    with pytest.raises(InputError, match="holds 1 of 2 chunks of fitted crops: finish the run first"):
        Fits(tmp_path, crops=4, batch=2)
    assert json.loads((tmp_path / "fields/00000.json").read_text())["seconds"] == 1.0


@pytest.mark.parametrize("content", ["", "[]", '{"seconds": 1}', '{"crops": [3]}', '{"crops": [{"number": 0, "top": "a"}]}'])
def test_damaged_figures_are_one_line(content: str, tmp_path: Path) -> None:
    save(tmp_path, 0, field_of(0))
    (tmp_path / "fields/notes.json").touch()
    (tmp_path / "fields/00000.json").write_text(content)
    with pytest.raises(InputError, match=r"fields/00000.json is damaged"):
        list(Fits(tmp_path, crops=2, batch=2).chunks())


@pytest.mark.parametrize(
    ("key", "value"),
    [("top", -4), ("left", 10**30 * -1), ("psnr", 10**400), ("psnr", float("nan")), ("psnr", True), ("photograph", None)],
)
def test_a_crop_that_cannot_be_is_one_line(key: str, value: object, tmp_path: Path) -> None:
    save(tmp_path, 0, field_of(0))
    record = tmp_path / "fields/00000.json"
    content = json.loads(record.read_text())
    content["crops"][1][key] = value
    record.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"fields/00000.json is damaged"):
        list(Fits(tmp_path, crops=2, batch=2).chunks())


@pytest.mark.parametrize("seconds", [None, "1", 1e308, float("nan")])
def test_seconds_that_cannot_be_are_one_line(seconds: object, tmp_path: Path) -> None:
    save(tmp_path, 0, field_of(0))
    record = tmp_path / "fields/00000.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "seconds": seconds}))
    with pytest.raises(InputError, match=r"fields/00000.json is damaged"):
        list(Fits(tmp_path, crops=2, batch=2).chunks())


def test_crops_without_end_take_no_memory(tmp_path: Path) -> None:
    save(tmp_path, 0, field_of(0))
    with pytest.raises(InputError, match="holds 1 of 50000+ chunks"):
        Fits(tmp_path, crops=10**30, batch=2)


def test_figures_of_other_crops_are_one_line(tmp_path: Path) -> None:
    save(tmp_path, 0, field_of(0))
    record = tmp_path / "fields/00000.json"
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "crops": content["crops"][:1]}))
    with pytest.raises(InputError, match="speaks of 1 crops, and 2 were fitted"):
        list(Fits(tmp_path, crops=2, batch=2).chunks())
