import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from splatsr import GaussianField, InputError, splat
from splatsr.geometry import Strip, cell_corners, resolve_output


def one_kernel(x: float, y: float, size: tuple[int, int] = (6, 8)) -> GaussianField:
    return GaussianField(
        means=torch.tensor([[[x, y]]]), cholesky=torch.tensor([[[0.5, 0.2, 0.3]]]), colors=torch.ones(1, 1, 3), size=size
    )


def test_corners_of_both_images_coincide() -> None:
    image = one_kernel(2.0, 1.5).render(scale=(4, 6))[0, 0]
    assert image.shape == (24, 48)
    row, column = divmod(int(image.argmax()), 48)
    assert (row, column) in [(5, 11), (5, 12), (6, 11), (6, 12)]  # the centre is the corner (12, 6) of four pixels


def test_covariance_is_scaled_per_axis() -> None:
    field = one_kernel(4.0, 3.0)
    expected = splat(
        torch.tensor([[[4.0 * 5, 3.0 * 3]]]), torch.tensor([[[0.5 * 5, 0.2 * 3, 0.3 * 3]]]), torch.ones(1, 1, 3), (18, 40)
    )
    torch.testing.assert_close(field.render(scale=(3, 5), mode="exact"), expected)


def test_positions_follow_the_rounded_ratio_and_covariances_the_nominal_scale() -> None:
    field = one_kernel(4.0, 3.0, size=(7, 9))
    ratio_x, ratio_y = 30 / 9, 23 / 7  # round(9 * 3.3), round(7 * 3.3)
    expected = splat(
        torch.tensor([[[4 * ratio_x, 3 * ratio_y]]]), 3.3 * torch.tensor([[[0.5, 0.2, 0.3]]]), torch.ones(1, 1, 3), (23, 30)
    )
    torch.testing.assert_close(field.render(scale=3.3, mode="exact"), expected)


def test_size_and_scale_agree_where_the_scale_is_exact() -> None:
    field = one_kernel(3.3, 2.2)
    torch.testing.assert_close(field.render(size=(18, 24)), field.render(scale=3))


def test_neither_or_both_are_refused() -> None:
    field = one_kernel(1.0, 1.0)
    for wanted in ({}, {"scale": 2, "size": (12, 16)}):
        with pytest.raises(InputError, match="either size or scale"):
            field.render(**wanted)


def grid_field(height: int, width: int, per_side: int = 2) -> GaussianField:
    """Random kernels around a grid of cells, two images."""
    count = per_side**2 * height * width
    draw = torch.Generator().manual_seed(0)
    corners = cell_corners(height, width, per_side).expand(2, -1, -1)
    return GaussianField(
        means=corners + torch.rand(2, count, 2, generator=draw) * 2 - 1,
        cholesky=torch.rand(2, count, 3, generator=draw) * 0.5 + 0.1,
        colors=torch.randn(2, count, 3, generator=draw),
        size=(height, width),
    )


@pytest.mark.parametrize("per_side", [1, 2, 3])
def test_a_field_cut_into_tiles_is_joined_again(per_side: int) -> None:
    field = grid_field(7, 9, per_side)
    rows, columns = [(0, 3), (3, 4), (4, 7)], [(0, 5), (5, 9)]
    tiles = [[field.crop(rows=span, columns=across) for across in columns] for span in rows]
    assert tiles[1][1].size == (1, 4)
    assert len(tiles[1][1]) == 4 * per_side**2
    joined = GaussianField.join(tiles)
    assert joined.size == field.size
    torch.testing.assert_close(joined.means, field.means, atol=1e-6, rtol=0)
    assert torch.equal(joined.cholesky, field.cholesky)
    assert torch.equal(joined.colors, field.colors)


def test_a_crop_keeps_its_own_kernels_wherever_they_have_drifted() -> None:
    field = grid_field(4, 5, per_side=1)
    part = field.crop(rows=(1, 3), columns=(2, 4))
    own = [1 * 5 + 2, 1 * 5 + 3, 2 * 5 + 2, 2 * 5 + 3]
    assert torch.equal(part.means, field.means[:, own] - torch.tensor([2.0, 1.0]))
    assert torch.equal(part.colors, field.colors[:, own])


def test_impossible_crops_and_joins_are_refused() -> None:
    field = grid_field(4, 5)
    for rows, columns in [((0, 5), (0, 5)), ((2, 2), (0, 5)), ((0, 4), (-1, 3))]:
        with pytest.raises(ValueError, match="no rectangle"):
            field.crop(rows=rows, columns=columns)
    with pytest.raises(ValueError, match="no grid of k x k cells"):
        one_kernel(1.0, 1.0).crop(rows=(0, 1), columns=(0, 1))
    with pytest.raises(ValueError, match="do not make a rectangle"):
        GaussianField.join([[field, grid_field(3, 5)]])
    with pytest.raises(ValueError, match="do not make a rectangle"):
        GaussianField.join([[field], [grid_field(4, 5, per_side=1)]])


@pytest.mark.parametrize("wanted", [{"scale": 2.7}, {"scale": (5, 1.3)}, {"size": (21, 30)}, {"scale": 0.6}])
def test_strips_are_the_rows_of_the_whole(wanted: dict) -> None:
    field = grid_field(12, 9)
    whole, output = field.render(**wanted), resolve_output(field.size, **wanted)
    height = output.size[0]
    for rows in ((0, height), (0, 3), (height // 2, height // 2 + 1), (height // 3, height)):
        strip = field.render_strip(Strip(output, field.size, rows, origin=0))
        torch.testing.assert_close(strip, whole[:, :, rows[0] : rows[1]], atol=2e-5, rtol=0)


def test_a_strip_needs_only_the_rows_around_it() -> None:
    field = grid_field(60, 9)
    output = resolve_output(field.size, scale=3.3)
    part = field.crop(rows=(20, 50), columns=(0, 9))  # support: 1 + 3.33 * 0.85 rows
    strip = part.render_strip(Strip(output, field.size, (90, 140), origin=20))
    torch.testing.assert_close(strip, field.render(scale=3.3)[:, :, 90:140], atol=1e-4, rtol=0)


def test_length_device_and_detach() -> None:
    field = GaussianField(
        means=torch.zeros(2, 5, 2, requires_grad=True), cholesky=torch.ones(2, 5, 3), colors=torch.ones(2, 5, 3), size=(1, 1)
    )
    assert len(field) == 5
    assert field.to("cpu").means.requires_grad
    assert not field.detach().means.requires_grad


def test_rendering_has_gradients() -> None:
    field = one_kernel(4.0, 3.0)
    field.cholesky.requires_grad_()
    field.render(scale=2).sum().backward()
    assert field.cholesky.grad.abs().max() > 0


@pytest.mark.parametrize("reference_scale", [4.0, 0, math.inf])
def test_saved_and_loaded_is_the_same(tmp_path: Path, reference_scale: float) -> None:
    field = replace(one_kernel(4.2, 3.1), reference_scale=reference_scale)
    field.save(tmp_path / "field.safetensors")
    loaded = GaussianField.load(tmp_path / "field.safetensors")
    assert (loaded.size, loaded.reference_scale) == (field.size, reference_scale)
    assert all(torch.equal(getattr(loaded, name), getattr(field, name)) for name in ("means", "cholesky", "colors"))
    assert [path.name for path in tmp_path.iterdir()] == ["field.safetensors"]


def test_what_is_not_a_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        GaussianField.load(tmp_path / "nothing.safetensors")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(InputError, match="damaged"):
        GaussianField.load(tmp_path / "text.safetensors")
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="not a saved GaussianField"):
        GaussianField.load(tmp_path / "other.safetensors")
