import pytest

from splatsr.heads.kernel_grid import kernels_per_side


@pytest.mark.parametrize(("kernels", "expected"), [(1, 1), (4, 2), (9, 3), (36, 6)])
def test_kernels_per_side_is_the_root(kernels: int, expected: int) -> None:
    assert kernels_per_side(kernels, upscale=6, merges=False) == expected


@pytest.mark.parametrize("kernels", [-4, 0, 2, 8])
def test_other_numbers_than_squares_are_refused(kernels: int) -> None:
    with pytest.raises(ValueError, match=f"a square number .*, got {kernels}"):
        kernels_per_side(kernels, upscale=6, merges=False)


def test_a_grid_that_the_kernels_do_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="a multiple of 3 per LR pixel; the encoder's upscale is 4"):
        kernels_per_side(9, upscale=4, merges=False)


def test_merging_wants_several_kernels() -> None:
    assert kernels_per_side(4, upscale=4, merges=True) == 2
    with pytest.raises(ValueError, match="flat_pixels needs several"):
        kernels_per_side(1, upscale=4, merges=True)
