import pytest
import torch
from torch import Tensor

from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.errors import InputError
from splatsr.models.bicubic import BicubicImage
from splatsr.training.supervision import OnCrops, OnLikelihood, OnQueries, OnSaturatedCrops, OnWindows, OnWindowsOfASample


def coordinates_and_cell(coordinates: Tensor, cell: Tensor) -> Tensor:
    return torch.cat([coordinates, cell[:, None, :1].expand(-1, coordinates.shape[1], -1)], -1)


IMAGE = ImplicitImage(torch.zeros(2, 3, 2, 3), coordinates_and_cell)


def rendered(*sizes: tuple[int, int]) -> list[Tensor]:
    return [IMAGE.render(size=size)[0] for size in sizes]


def test_whole_crops_are_rendered_at_the_nominal_scale() -> None:
    hr = torch.rand(2, 3, 5, 8)
    prediction, target = OnCrops()(IMAGE, {"hr": hr, "scale": 2.6})
    assert target is hr
    assert torch.equal(prediction, IMAGE.render(scale=2.6))
    OnCrops().check(IMAGE, "batch", 1)
    with pytest.raises(InputError, match="set data.scale_per=batch"):
        OnCrops().check(IMAGE, "crop", 1)


def test_a_pixel_is_compared_with_the_answer_at_its_own_place() -> None:
    batch = {"hr": rendered((4, 7), (6, 5)), "seeds": [0, 1]}
    prediction, target = OnQueries(count=20)(IMAGE, batch)
    assert prediction.shape == (2, 20, 3)
    torch.testing.assert_close(prediction, target)


def test_every_pixel_is_drawn_at_most_once_and_the_draw_is_that_of_the_crops_seed() -> None:
    crops = torch.stack(rendered((4, 5), (4, 5)))

    def drawn(*seeds: int) -> Tensor:
        return OnQueries(count=20)(IMAGE, {"hr": crops, "seeds": list(seeds)})[1]

    everything = drawn(7, 2**62)
    assert len(everything[0].unique(dim=0)) == 20
    assert not torch.equal(everything[0], everything[1]), "every crop has a draw of its own"
    assert torch.equal(drawn(2**62, 7), everything.flip(0)), "which does not depend on its place in the batch"
    assert not torch.equal(drawn(8, 7)[0], everything[0])


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1 pixel"):
        OnQueries(count=0)
    with pytest.raises(InputError, match="supervision.count=21 pixels cannot be drawn from a crop of 5x4"):
        OnQueries(count=21)(IMAGE, {"hr": rendered((4, 5)), "seeds": [0]})
    with pytest.raises(InputError, match="BicubicImage renders whole images only; use supervision=crops"):
        OnQueries(count=1).check(BicubicImage(torch.zeros(1, 3, 2, 3)), "batch", 1)
    OnQueries(count=9).check(IMAGE, "crop", 9)
    with pytest.raises(InputError, match="the smallest has 9"):
        OnQueries(count=10).check(IMAGE, "crop", 9)


def test_beyond_white_and_black_nothing_is_an_error_where_the_target_is_white_or_black() -> None:
    class Image:
        size = (1, 3)

        def render(self, *, size: object = None, scale: object = None) -> torch.Tensor:
            return prediction

    prediction = torch.tensor([1.2, 0.9, 1.2, -0.1, 0.1, -0.1]).expand(1, 3, 1, 6).clone().requires_grad_()
    target = torch.tensor([1.0, 1.0, 0.5, 0.0, 0.0, 0.5]).expand(1, 3, 1, 6)
    compared, same = OnSaturatedCrops()(Image(), {"scale": 2.0, "hr": target})
    assert same is target
    (compared - target).abs().sum().backward()
    assert prediction.grad[0, 1, 0].tolist() == [0, -1, 1, 0, 1, -1]


def test_a_window_is_compared_with_the_answers_at_its_own_place() -> None:
    crops = rendered((9, 11), (7, 10))
    prediction, target = OnWindows(side=5, step=3)(IMAGE, {"hr": crops, "seeds": [0, 1]})
    torch.testing.assert_close(prediction, target)
    for window, crop in zip(target, crops, strict=True):
        height, width = crop.shape[-2:]
        places = [(y, x) for y in range(0, height - 4, 3) for x in range(0, width - 4, 3)]
        assert any(torch.equal(window, crop[:, y : y + 5, x : x + 5]) for y, x in places)
    OnWindows(side=5, step=3).check(IMAGE, "crop", 25)
    with pytest.raises(InputError, match="side=5 exceeds the smallest HR crop"):
        OnWindows(side=5, step=3).check(IMAGE, "crop", 24)
    with pytest.raises(InputError, match="supervision=windows: a BicubicImage renders whole images only"):
        OnWindows(side=5, step=3).check(BicubicImage(torch.zeros(1, 3, 2, 3)), "crop", 99)


def test_a_sample_is_seen_in_the_windows_of_the_image_in_the_middle() -> None:
    class Drawn(ImplicitImage):
        """Brighter by its temperature and darker by its seed, in units of 2^31."""

        def sample(self, *, temperature: float, seed: int) -> ImplicitImage:
            return ImplicitImage(self.lr, lambda *place: coordinates_and_cell(*place) + temperature - seed / 2**31)

    image = Drawn(torch.zeros(2, 3, 2, 3), coordinates_and_cell)
    supervision = OnWindowsOfASample(side=5, step=3, temperature=2.0)
    batch = {"hr": rendered((9, 11), (7, 10)), "seeds": [0, 1]}
    supervision.check(image, "crop", 25)
    prediction, target = supervision(image, batch)
    middle, of_middle = OnWindows(side=5, step=3)(image, batch)
    assert torch.equal(prediction[:2], middle)
    assert torch.equal(target, torch.cat([of_middle, of_middle]))
    brighter = prediction[2:] - middle
    assert brighter.min() > 1 and brighter.max() < 2
    assert torch.equal(prediction, supervision(image, batch)[0]), "the crops' seeds draw the noise"
    assert not torch.equal(prediction[2:], supervision(image, {**batch, "seeds": [5, 1]})[0][2:])
    with pytest.raises(InputError, match="a ImplicitImage draws no samples; use supervision=windows"):
        supervision.check(IMAGE, "crop", 25)


def test_likelihood_needs_an_image_that_knows_it() -> None:
    with pytest.raises(InputError, match="a ImplicitImage does not say how likely a picture is"):
        OnLikelihood(count=1).check(IMAGE, "crop", 9)
