import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from splatsr.errors import InputError
from splatsr.geometry import Output, cell_corners, distorted, nearest_pixel, offset_from, pixel_centres, resolve_output

SIZES = st.tuples(st.integers(1, 300), st.integers(1, 300))


@pytest.mark.parametrize(
    ("scale", "size"),
    [(4, (40, 28)), (3.3, (33, 23)), ((2, 3), (20, 21)), ([2.5, 1.5], (25, 10)), (0.5, (5, 4)), (0.25, (2, 2))],
)
def test_size_is_rounded_with_ties_to_even(scale: object, size: tuple[int, int]) -> None:
    assert resolve_output((10, 7), scale=scale).size == size


def test_scale_is_nominal_and_size_gives_the_true_ratio() -> None:
    assert resolve_output((10, 7), scale=3.3).scale == (3.3, 3.3)
    assert resolve_output((10, 7), size=(33, 23)).scale == (3.3, 23 / 7)


@pytest.mark.parametrize(
    "wanted",
    [{}, {"size": (1, 2), "scale": 2}, {"scale": 0}, {"scale": -1}, {"scale": "abc"}, {"scale": float("nan")}, {"scale": True},
     {"scale": (1, 2, 3)}, {"scale": float("inf")}, {"size": (0, 4)}, {"size": (2.5, 4)}, {"size": 4}, {"scale": 1e-9},
     {"size": (None, None)}, {"size": (None, 2.5)}, {"size": (3,)}, {"fit": (0, 4)}, {"fit": 4}, {"fit": (4, 4), "scale": 2}],
)  # fmt: skip
def test_anything_else_is_refused(wanted: dict[str, object]) -> None:
    with pytest.raises(InputError):
        resolve_output((10, 7), **wanted)


@given(lr_size=SIZES, side=st.integers(1, 500))
def test_a_side_that_is_left_out_follows_the_proportions(lr_size: tuple[int, int], side: int) -> None:
    height, width = lr_size
    made, given_side = resolve_output(lr_size, size=(None, side)).size
    assert given_side == side
    assert made == 1 or abs(made - side * height / width) <= 0.5 + 1e-9
    assert resolve_output((width, height), size=(side, None)).size == (side, made)


@given(lr_size=SIZES, box=SIZES)
def test_what_fits_touches_its_frame_undistorted(lr_size: tuple[int, int], box: tuple[int, int]) -> None:
    size = resolve_output(lr_size, fit=box).size
    assert all(side <= most for side, most in zip(size, box, strict=True))
    assert any(side == most for side, most in zip(size, box, strict=True))
    factor = min(most / side for side, most in zip(lr_size, box, strict=True))
    assert all(side == 1 or abs(side - factor * lr) <= 0.5 + 1e-9 for side, lr in zip(size, lr_size, strict=True))


def test_cells_run_row_by_row_and_are_x_then_y() -> None:
    corners = cell_corners(1, 2, 2)
    assert corners.tolist() == [[0, 0], [0.5, 0], [1, 0], [1.5, 0], [0, 0.5], [0.5, 0.5], [1, 0.5], [1.5, 0.5]]
    assert torch.equal(cell_corners(3, 5, 1)[:6], torch.tensor([[0.0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [0, 1]]))


def test_centres_of_the_square_are_vertical_first() -> None:
    pixels = torch.tensor([[0, 0], [1, 2], [3, 4]])
    expected = torch.tensor([[-0.75, -0.8], [-0.25, 0.0], [0.75, 0.8]])
    torch.testing.assert_close(pixel_centres(pixels, (4, 5)), expected)


def test_every_centre_lies_in_its_own_pixel_and_strays_at_the_border() -> None:
    pixels = torch.cartesian_prod(torch.arange(79), torch.arange(66))
    assert torch.equal(nearest_pixel(pixel_centres(pixels, (79, 66)), (79, 66)), pixels)
    assert nearest_pixel(torch.tensor([[-1.5, 1.5], [1.0, -1.0]]), (4, 5)).tolist() == [[0, 4], [3, 0]]


def test_offsets_are_in_half_pixels() -> None:
    offsets = offset_from(torch.tensor([[0, 0], [1, 2]]), torch.tensor([[-1.0, -0.6], [-0.25, 0.2]]), (4, 5))
    torch.testing.assert_close(offsets, torch.tensor([[-1.0, 1.0], [0.0, 1.0]]))


@given(size=SIZES, seed=st.integers(0, 1000))
def test_a_pixels_centre_is_nearest_to_it_and_points_are_within_a_pixel_of_theirs(size: tuple[int, int], seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    pixels = torch.stack([torch.randint(side, (50,), generator=draw) for side in size], dim=-1)
    centres = pixel_centres(pixels, size)
    assert torch.equal(nearest_pixel(centres, size), pixels)
    torch.testing.assert_close(offset_from(pixels, centres, size), torch.zeros(50, 2))
    points = 2 * torch.rand(50, 2, generator=draw) - 1
    assert offset_from(nearest_pixel(points, size), points, size).abs().max() <= 1 + 1e-4


@given(lr_size=SIZES, factors=st.tuples(*[st.floats(0.1, 50)] * 2))
def test_outputs_are_the_nearest_whole_size_or_refused(lr_size: tuple[int, int], factors: tuple[float, float]) -> None:
    wanted = [side * factor for side, factor in zip(lr_size, factors, strict=True)]
    if min(map(round, wanted)) < 1:
        with pytest.raises(InputError, match="smaller than one pixel"):
            resolve_output(lr_size, scale=factors)
        return
    output = resolve_output(lr_size, scale=factors)
    assert output.scale == factors, "the nominal scale stays"
    assert all(abs(side - exact) <= 0.5 for side, exact in zip(output.size, wanted, strict=True))
    by_size = resolve_output(lr_size, size=output.size)
    assert by_size.size == output.size
    assert by_size.scale == pytest.approx([side / lr for side, lr in zip(output.size, lr_size, strict=True)])


@given(height=st.integers(1, 20), width=st.integers(1, 20), per_side=st.integers(1, 4))
def test_every_pixel_holds_its_own_cells_row_by_row(height: int, width: int, per_side: int) -> None:
    grid = cell_corners(height, width, per_side).view(height, per_side, width, per_side, 2)
    x, y = (grid + 0.5 / per_side).floor().unbind(-1)  # the pixel that a cell's centre lies in
    assert (x == torch.arange(width)[:, None]).all()
    assert (y == torch.arange(height)[:, None, None, None]).all()


def test_what_rounding_explains_is_no_distortion() -> None:
    for size in ((200, 300), (401, 600), (133, 200), (1, 1)):
        assert distorted((200, 300), Output(size, (1, 1))) is None
    assert distorted((200, 300), Output((300, 300), (1, 1))).startswith("300x200 becomes 300x300, x1 as wide and x1.5 as high")
