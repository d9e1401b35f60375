import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

from splat_fields import free_field, grid_field, levels, nearly, photographs_field
from splatsr import GaussianField, InputError
from splatsr.image.splat_file import write_bands
from splatsr.splat_files import writer

PARTS = ("means", "cholesky", "colors")


def again(field: GaussianField, path: Path, bits: int | None = None) -> GaussianField:
    field.save(path / "a.splat", bits=bits)
    return GaussianField.load(path / "a.splat")


@pytest.mark.parametrize("field", [
    grid_field(), grid_field(margin=4), grid_field(per_side=1), grid_field(per_side=3, margin=1), grid_field((1, 1)),
    grid_field((1, 40)), grid_field(channels=1), grid_field(channels=7), replace(grid_field(), reference_scale=math.inf),
    replace(grid_field(), reference_scale=0), replace(grid_field(), reference_scale=10**400),
])  # fmt: skip
def test_kernels_come_back_within_float16s_rounding(tmp_path: Path, field: GaussianField) -> None:
    loaded = again(field, tmp_path)
    assert (loaded.size, loaded.margin) == (field.size, field.margin)
    assert loaded.reference_scale == (math.inf if field.reference_scale > 1e308 else field.reference_scale)
    assert all(getattr(loaded, name).dtype == torch.float32 for name in PARTS)
    for name in ("cholesky", "colors"):
        before, after = getattr(field, name), getattr(loaded, name)
        assert ((before - after).abs() <= nearly(before)).all()
    assert (field.means - loaded.means).abs().max() <= 2.0**-11  # of offsets of up to 1.5
    assert [path.name for path in tmp_path.iterdir()] == ["a.splat"]


@pytest.mark.parametrize("bits", [10, 13])
@pytest.mark.parametrize("field", [grid_field(margin=2), free_field(kernels=40)], ids=["cells", "free"])
def test_ten_bits_come_back_within_half_a_step(tmp_path: Path, field: GaussianField, bits: int) -> None:
    if not field.margin:  # kernels of every size
        field = replace(field, cholesky=field.cholesky / 2, means=field.means.clamp(0.0, 9))
    loaded = again(field, tmp_path, bits)
    if not field.margin:
        field = in_file_order(field)
    for name in ("cholesky", "colors"):
        before, after = getattr(field, name), getattr(loaded, name)
        span = before.amax(1) - before.amin(1)
        assert ((before - after).abs() <= 0.51 * span / (2**bits - 1) + 1e-7).all()
    assert (field.means - loaded.means).abs().max() <= 0.51 * 3 / (2**bits - 1) + 1e-6


def in_file_order(field: GaussianField) -> GaussianField:
    column, row = field.means[0].floor().clamp_min(0).minimum(torch.tensor([field.size[1] - 1, field.size[0] - 1])).unbind(-1)
    order = torch.argsort(row * field.size[1] + column, stable=True)
    return replace(field, **{name: getattr(field, name)[:, order] for name in PARTS})


def test_kernels_without_cells_come_back_by_the_pixels_they_lie_in(tmp_path: Path) -> None:
    field = free_field()
    loaded, expected = again(field, tmp_path), in_file_order(field)
    assert not torch.equal(expected.means, field.means)
    assert (loaded.means - expected.means).abs().max() < 2e-3  # up to 3.5 pixels from the border's centres
    inside = ((expected.means > 0) & (expected.means < torch.tensor([12, 9]))).all(-1)
    assert (loaded.means - expected.means)[inside].abs().max() <= 2.0**-12 + 1e-6
    assert (loaded.render(scale=3) - field.render(scale=3)).abs().max() < 0.02


def test_fitted_kernels_as_many_as_pixels_are_in_no_cells(tmp_path: Path) -> None:
    """48 kernels for 6 x 8 pixels, anywhere: from cells their offsets would lose what float16 has."""
    field = free_field((6, 8), kernels=48)
    loaded = again(field, tmp_path)
    assert torch.equal(loaded.means, again(loaded, tmp_path).means)
    assert (loaded.means - in_file_order(field).means).abs().max() < 2e-3


def test_no_kernels_are_a_field_too(tmp_path: Path) -> None:
    empty = grid_field().select(torch.zeros(140, dtype=torch.bool))
    loaded = again(empty, tmp_path)
    assert len(loaded) == 0
    assert not loaded.render(scale=2).any()


def test_several_bands_are_one_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for field in (grid_field(margin=1), free_field()):
        expected = again(field, tmp_path)
        monkeypatch.setattr(writer, "BAND", 20)
        assert all(torch.equal(getattr(again(field, tmp_path), name), getattr(expected, name)) for name in PARTS)
        monkeypatch.undo()


def test_bands_of_a_grid_become_its_file(tmp_path: Path) -> None:
    field = grid_field((6, 5), margin=1)
    whole = replace(field, means=field.means + 1, size=(8, 7), margin=0)
    bands = [whole.crop(rows=rows, columns=(0, 7)) for rows in ((0, 3), (3, 4), (4, 8))]
    kernels, length = write_bands(tmp_path / "bands.splat", iter(bands), size=(6, 5), margin=1, bits=16)
    assert (kernels, length) == (224, (tmp_path / "bands.splat").stat().st_size)
    expected, loaded = again(field, tmp_path), GaussianField.load(tmp_path / "bands.splat")
    assert (loaded.size, loaded.margin) == ((6, 5), 1)
    assert all((getattr(loaded, name) - getattr(expected, name)).abs().max() <= 2.0**-11 for name in PARTS)
    with pytest.raises(InputError, match="exists already"):
        write_bands(tmp_path / "bands.splat", iter(bands), size=(6, 5), margin=1, bits=16)


def test_a_batch_is_refused(tmp_path: Path) -> None:
    two = GaussianField(torch.zeros(2, 1, 2), torch.ones(2, 1, 3), torch.ones(2, 1, 3), (1, 1))
    with pytest.raises(InputError, match=r"one image, and this field is a batch of 2: save field\.first\(\)"):
        two.save(tmp_path / "a.splat")
    two.first().save(tmp_path / "a.splat")


def test_what_does_not_fit_leaves_no_file(tmp_path: Path) -> None:
    field = grid_field()
    for name in PARTS:
        for value, said in ((math.nan, "not finite"), (1e6, "65504")):
            wrong = getattr(field, name).clone()
            wrong[0, 5, 1] = value
            with pytest.raises(InputError, match=said):
                replace(field, **{name: wrong}).save(tmp_path / "a.splat")
    with pytest.raises(InputError, match="bits must be 16"):
        field.save(tmp_path / "a.splat", bits=4)
    with pytest.raises(InputError, match=r"bits are for \.splat files"):
        field.save(tmp_path / "a.safetensors", bits=10)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_known_by_its_name_or_by_its_content(tmp_path: Path) -> None:
    field = grid_field()
    field.save(tmp_path / "a.SPLAT")
    (tmp_path / "renamed").write_bytes((tmp_path / "a.SPLAT").read_bytes())
    assert torch.equal(GaussianField.load(tmp_path / "renamed").means, GaussianField.load(tmp_path / "a.SPLAT").means)
    field.save(tmp_path / "b.safetensors")
    (tmp_path / "b.splat").write_bytes((tmp_path / "b.safetensors").read_bytes())
    with pytest.raises(InputError, match="no field file of SplatSR"):
        GaussianField.load(tmp_path / "b.splat")
    (tmp_path / "folder.splat").mkdir()
    for missing in ("c.splat", "folder.splat", "a\0.splat"):
        with pytest.raises(InputError, match="no such file"):
            GaussianField.load(tmp_path / missing)


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    grid_field().save(tmp_path / "a.splat")
    content = bytearray((tmp_path / "a.splat").read_bytes())
    content[-3] ^= 4
    (tmp_path / "a.splat").write_bytes(content)
    with pytest.raises(InputError, match="is damaged: kernels from 0 on are not what was written"):
        GaussianField.load(tmp_path / "a.splat")


def test_a_field_larger_than_memory_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid_field().save(tmp_path / "a.splat")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=9000))
    with pytest.raises(InputError, match="holds 140 kernels.* job=render renders it piece by piece"):
        GaussianField.load(tmp_path / "a.splat")


@pytest.mark.parametrize(("bits", "most"), [(16, 9.5), (10, 6.5)])
def test_a_photographs_file_is_small_and_renders_within_a_level(tmp_path: Path, bits: int, most: float) -> None:
    field = photographs_field()
    loaded = again(field, tmp_path, bits)
    assert (tmp_path / "a.splat").stat().st_size / len(field) < most
    for scale in (1, 2.5, 4, 12):
        difference = (levels(field.render(scale=scale)) - levels(loaded.render(scale=scale))).abs()
        assert (difference > 1).float().mean() < 1e-4  # where two kernels cross their cut at one pixel
        assert difference.max() <= 2
        assert (difference > 0).float().mean() < 0.08


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_fields_of_other_types_are_kept_too(tmp_path: Path, dtype: torch.dtype) -> None:
    field = grid_field()
    cast = replace(field, means=field.means.to(dtype), cholesky=field.cholesky.to(dtype), colors=field.colors.to(dtype))
    cast.save(tmp_path / "a.splat")
    torch.testing.assert_close(GaussianField.load(tmp_path / "a.splat").colors, cast.colors.float(), atol=2e-3, rtol=0)
