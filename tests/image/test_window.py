import math
from dataclasses import replace

import pytest
import torch

from splatsr import InputError
from splatsr.geometry import cell_corners
from splatsr.image.field import GaussianField


def field(reference_scale: float = 4.0) -> GaussianField:
    """Kernels of all shapes and widths on 20x30 LR pixels, two images."""
    torch.manual_seed(0)
    means = cell_corners(20, 30, 2) + torch.rand(2, 2400, 2)
    cholesky = torch.rand(2, 2400, 3) * torch.tensor([0.5, 0.4, 0.5]) + torch.tensor([0.05, -0.2, 0.05])
    return GaussianField(means, cholesky, torch.rand(2, 2400, 3) / 4, (20, 30), reference_scale)


@pytest.mark.parametrize("reference_scale", [0, 4.0, math.inf])
@pytest.mark.parametrize("scale", [0.5, 1, 2, 6])
def test_a_window_is_what_the_whole_shows_there(scale: float, reference_scale: float) -> None:
    whole, window = field(reference_scale), field(reference_scale).window((4, 14), (6, 28))
    expected = whole.render(scale=scale)[..., round(4 * scale) : round(14 * scale), round(6 * scale) : round(28 * scale)]
    torch.testing.assert_close(window.render(scale=scale), expected, atol=1e-4, rtol=0)
    assert torch.equal(window.render(size=(round(10 * scale), round(22 * scale))), window.render(scale=scale))


def test_fractions_of_pixels() -> None:
    whole = field().render(scale=8)
    window = field().window((2.25, 4.5), (3.125, 4)).render(scale=8)
    torch.testing.assert_close(window, whole[..., 18:36, 25:32], atol=1e-4, rtol=0)


def test_it_costs_what_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    render = GaussianField.render_window
    monkeypatch.setattr(
        GaussianField, "render_window", lambda self, *arguments: (drawn.append(len(self)), render(self, *arguments))[1]
    )
    field().window((9, 11), (14, 16)).render(scale=100)
    assert drawn[0] < 600


def test_kernels_beyond_the_border_count() -> None:
    framed = field().framed(3)
    assert framed.size == (14, 24)
    torch.testing.assert_close(
        framed.window((0, 5), (0, 24)).render(scale=2), framed.render(scale=2)[..., :10, :], atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("rows", [(-1, 4), (4, 4), (5, 4), (0, 21), (math.nan, 4), (0, math.inf)])
def test_what_is_no_window_is_refused(rows: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="rows must be"):
        field().window(rows, (0, 30))


def test_other_modes_are_refused() -> None:
    with pytest.raises(InputError, match="footprint or exact"):
        field().window((0, 4), (0, 4)).render(scale=2, mode="tiles")


def test_a_window_and_a_field_say_what_they_are_on_one_line() -> None:
    assert repr(field()) == "GaussianField(2 x 2400 kernels for 30x20 LR pixels, cpu)"
    one = replace(field().first().framed(2))
    assert repr(one) == "GaussianField(2400 kernels for 26x16 LR pixels, margin 2, cpu)"
    assert repr(one.window((0, 1.5), (2, 3))).startswith("FieldWindow(rows=(0, 1.5), columns=(2, 3) of GaussianField(")
