import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

from splat_fields import free_field, grid_field, photographs_field
from splatsr import GaussianField, InputError
from splatsr.geometry import Output, Strip, resolve_output
from splatsr.image.field_on_disk import FieldOnDisk, WindowInStrips, open_field
from splatsr.splat_files import reader, writer


@pytest.fixture(autouse=True)
def _small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BAND", 50)


def on_disk(field: GaussianField, path: Path) -> tuple[FieldOnDisk, GaussianField]:
    field.save(path / "a.splat")
    return FieldOnDisk(path / "a.splat"), GaussianField.load(path / "a.splat")


def assert_same(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    """To rounding, but where a kernel is cut: there it may fall on either side."""
    difference = (ours - theirs).abs()
    assert difference.max() < 1 / 255
    assert (difference > 2e-5).float().mean() < 1e-3


def in_strips(image: FieldOnDisk | WindowInStrips, output: Output, rows: int = 5) -> torch.Tensor:
    height = output.size[0]
    strips = [Strip(output, image.size, (top, min(top + rows, height)), origin=0) for top in range(0, height, rows)]
    return torch.cat([image.render_strip(strip) for strip in strips], 2)


@pytest.mark.parametrize("wanted", [{"scale": 1}, {"scale": (3.3, 1.7)}, {"scale": 0.6}, {"size": (40, 23)}])
@pytest.mark.parametrize(
    "field",
    [grid_field((9, 7), margin=2), grid_field((1, 1), margin=1), free_field(), replace(grid_field(), reference_scale=math.inf)],
    ids=["margin", "one pixel", "free", "footprint"],
)
def test_strips_are_the_loaded_fields_image(tmp_path: Path, field: GaussianField, wanted: dict) -> None:
    image, loaded = on_disk(field, tmp_path)
    expected = loaded.render(**wanted)
    assert_same(in_strips(image, resolve_output(field.size, **wanted)), expected)
    assert_same(image.render(**wanted), expected)


def test_a_nominal_scale_beyond_the_true_ratio_loses_no_kernel(tmp_path: Path) -> None:
    """A row of 1 becomes 1 at x1.49, where kernels are drawn half as high again."""
    field = grid_field((1, 30), margin=4)
    image, loaded = on_disk(field, tmp_path)
    assert_same(image.render(scale=1.49), loaded.render(scale=1.49))


def test_only_the_bands_are_read_that_a_strip_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """60 rows in as many bands and more; and each is read once while strips go down."""
    image, _ = on_disk(grid_field((60, 10)), tmp_path)
    assert len(image.file.bands) == 60
    read = []
    of_file = reader.SplatFile.read
    monkeypatch.setattr(
        reader.SplatFile, "read", lambda file, band, row: (read.append(band.start // 40), of_file(file, band, row))[1]
    )
    image.render_strip(Strip(resolve_output((60, 10), scale=4), (60, 10), (100, 104), origin=0))
    assert len(read) < 15
    assert min(read) > 15
    assert max(read) < 35
    image._decoded.cache_clear()
    read.clear()
    in_strips(image, resolve_output((60, 10), scale=4), rows=60)
    assert len(read) < 2 * 60


def test_a_wide_kernel_is_drawn_in_all_strips_and_brings_no_others(tmp_path: Path) -> None:
    field = grid_field((60, 10))
    cholesky = field.cholesky.clone()
    cholesky[0, 1234, :] = torch.tensor([9.0, 2.0, 30.0])
    image, loaded = on_disk(replace(field, cholesky=cholesky), tmp_path)
    assert_same(in_strips(image, resolve_output((60, 10), scale=2), rows=16), loaded.render(scale=2))


@pytest.mark.parametrize(
    ("rows", "columns"), [((0, 9), (0, 7)), ((2.25, 6.5), (0.5, 3)), ((8.5, 9), (6.9, 7)), ((3, 4), (0, 7))]
)
@pytest.mark.parametrize("ratio", [0.7, 3.3, 40])
def test_a_window_in_strips_is_the_fields_window(tmp_path: Path, rows: tuple, columns: tuple, ratio: float) -> None:
    image, loaded = on_disk(grid_field((9, 7), margin=2), tmp_path)
    window = loaded.window(rows, columns)
    size = tuple(max(round(side * ratio), 1) for side in window.extent)
    output = Output(size, (size[0] / window.extent[0], size[1] / window.extent[1]))
    expected = window.render(size=size)
    for field in (image, loaded):
        assert_same(in_strips(WindowInStrips(field, rows, columns), output), expected)


def test_a_window_far_from_the_corner_is_as_sharp_as_the_fields(tmp_path: Path) -> None:
    image, loaded = on_disk(grid_field((2, 9000)), tmp_path)
    window = loaded.window((0.25, 1.5), (8990.5, 8993))
    output = Output((250, 500), (200.0, 200.0))
    difference = in_strips(WindowInStrips(image, window.rows, window.columns), output, 100) - window.render(size=(250, 500))
    assert difference.abs().max() < 1 / 255


def test_a_window_outside_is_refused(tmp_path: Path) -> None:
    image, _ = on_disk(grid_field((9, 7), margin=2), tmp_path)
    for rows, columns in (((-1, 3), (0, 7)), ((0, 10), (0, 7)), ((3, 3), (0, 7)), ((0, 9), (math.nan, 7))):
        with pytest.raises(InputError, match="must be \\(first, end\\) in LR pixels"):
            WindowInStrips(image, rows, columns)


def test_far_down_a_large_image_rows_are_as_exact_as_at_its_top(tmp_path: Path) -> None:
    """Float32 counts pixels to 1/128 at LR row 100,000; a strip counts from its own."""
    few = grid_field((8, 6))
    far = replace(few, means=few.means.double() + torch.tensor([0.0, 1e5]).double(), size=(100_008, 6))
    far.save(tmp_path / "far.splat")  # in no cells
    few.save(tmp_path / "few.splat")
    ours, expected = FieldOnDisk(tmp_path / "far.splat"), GaussianField.load(tmp_path / "few.splat")
    strip = Strip(resolve_output((100_008, 6), scale=10), (100_008, 6), (1_000_020, 1_000_060), origin=0)
    assert (ours.render_strip(strip) - expected.render(scale=10)[:, :, 20:60]).abs().max() < 0.01


def test_damage_is_found_by_the_strip_that_needs_it(tmp_path: Path) -> None:
    photographs_field(16, 24).save(tmp_path / "a.splat")
    image, output = FieldOnDisk(tmp_path / "a.splat"), resolve_output((16, 24), scale=2)
    content = bytearray((tmp_path / "a.splat").read_bytes())
    content[next(band.offset for band in image.file.bands if band.top > 14) + 9] ^= 4
    (tmp_path / "a.splat").write_bytes(content)
    image.render_strip(Strip(output, (16, 24), (0, 4), origin=0))
    with pytest.raises(InputError, match="is damaged"):
        image.render_strip(Strip(output, (16, 24), (28, 32), origin=0))


def test_other_fields_are_loaded(tmp_path: Path) -> None:
    grid_field().save(tmp_path / "a.safetensors")
    assert isinstance(open_field(tmp_path / "a.safetensors", "cpu"), GaussianField)
    grid_field().save(tmp_path / "a.splat")
    assert isinstance(open_field(tmp_path / "a.splat", "cpu"), FieldOnDisk)


def test_kernels_of_a_strip_that_do_not_fit_into_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a few megabytes can hold a hundred million of them in one pixel."""
    ours, _ = on_disk(free_field(), tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=900))
    with pytest.raises(InputError, match=r"a\.splat has at some rows \d+ kernels, which take about .* memory"):
        ours.render(scale=2)
