import pytest
import torch

from splatsr.arguments import check_arguments
from splatsr.data.photos import held_out_photographs
from splatsr.errors import InputError
from splatsr.image.psnr import psnr
from splatsr.image_files.reading import read_image
from splatsr.prior.fitting import ADAN_BETAS, Fitting
from splatsr.prior.free_kernels import FreeKernels
from splatsr.resize.levels import to_tensor

RECIPE = {
    "variant": "cholesky", "kernels_per_pixel": 0.25, "steps": 12, "optimizer": "adan", "lr": 1e-3, "halve_every": 20000,
    "gradient": "published", "clamp": True, "color_range": [0.0, 1.0], "l21_range": [0.0, 1.0],
}  # fmt: skip


@pytest.fixture
def crops() -> torch.Tensor:
    photograph = to_tensor(read_image(held_out_photographs()["photos"][0]))
    return torch.stack([photograph[:, 100:164, 200:264], photograph[:, 20:84, 200:264]])


def test_a_quick_fit_is_good(crops: torch.Tensor) -> None:
    fitting = Fitting(**{**RECIPE, "steps": 300, "optimizer": "adam", "lr": 0.01, "gradient": "exact"})
    shares: list[float] = []
    field, quality = fitting.fit(crops, [0, 1], shares.append)
    assert len(field) == 1024
    assert quality.min() > 30
    assert shares[-1] == 1
    assert len(shares) == 300
    torch.testing.assert_close(psnr(field.render(scale=1).clamp(0, 1), crops).float(), quality, rtol=0, atol=1e-3)


@pytest.mark.parametrize("variant", ["cholesky", "rotation_scale"])
@pytest.mark.parametrize("optimizer", ["adan", "adam"])
def test_images_do_not_interact(crops: torch.Tensor, variant: str, optimizer: str) -> None:
    fitting = Fitting(**{**RECIPE, "variant": variant, "optimizer": optimizer})
    together, quality = fitting.fit(crops[..., :24, :32], [5, 6])
    again, _ = fitting.fit(crops[..., :24, :32], [5, 6])
    alone, own_quality = fitting.fit(crops[1:, :, :24, :32], [6])
    for name in ("means", "cholesky", "colors"):
        assert torch.equal(getattr(together, name), getattr(again, name))
        torch.testing.assert_close(getattr(together, name)[1:], getattr(alone, name), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(quality[1:], own_quality, rtol=0, atol=1e-3)


def test_it_works_within_inference_mode(crops: torch.Tensor) -> None:
    fitting = Fitting(**RECIPE)
    with torch.inference_mode():
        inside, _ = fitting.fit(crops[..., :16, :16] * 1.0, [0, 0])
    outside, _ = fitting.fit(crops[..., :16, :16], [0, 0])
    assert torch.equal(inside.colors, outside.colors)


def test_adan_is_the_published_rule() -> None:
    from timm.optim.adan import Adan

    first, second, third = ADAN_BETAS
    parameter = torch.nn.Parameter(torch.zeros(5, dtype=torch.float64))
    optimizer = Adan([parameter], lr=0.1, betas=ADAN_BETAS, weight_decay=0.0)
    m = v = n = expected = torch.zeros(5, dtype=torch.float64)
    before = None
    for step in range(1, 5):
        gradient = torch.randn(5, dtype=torch.float64)
        change = torch.zeros_like(gradient) if before is None else gradient - before
        m = first * m + (1 - first) * gradient
        v = second * v + (1 - second) * change
        n = third * n + (1 - third) * (gradient + second * change) ** 2
        speed = m / (1 - first**step) + second * v / (1 - second**step)
        expected = expected - 0.1 * speed / ((n / (1 - third**step)).sqrt() + 1e-8)
        before, parameter.grad = gradient, gradient.clone()
        optimizer.step()
    torch.testing.assert_close(parameter.detach(), expected)


def test_the_learning_rate_is_halved(crops: torch.Tensor) -> None:
    fitting = Fitting(**{**RECIPE, "optimizer": "adam", "steps": 2, "halve_every": 1, "lr": 1e-4, "gradient": "exact"})
    field, _ = fitting.fit(crops[:1, :, :16, :16], [7])
    begun = FreeKernels(
        variant="cholesky", count=64, size=(16, 16), seeds=[7], color_range=[0.0, 1.0], l21_range=[0.0, 1.0],
        published_gradient=False,
    )  # fmt: skip
    moved = (field.colors - begun.color).abs()
    assert moved.max().item() == pytest.approx(1.5e-4, rel=0.01)  # Adam's first steps are lr long


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"variant": "round"}, "one of cholesky, rotation_scale"),
        ({"optimizer": "sgd"}, "one of adan, adam"),
        ({"gradient": "true"}, "one of exact, published"),
        ({"color_range": [2, 1]}, "color_range must be a list of 2 numbers, none smaller than the one before"),
        ({"l21_range": [1]}, "l21_range must be a list of 2 numbers"),
        ({"steps": 0}, "steps must be a whole number of at least 1"),
        ({"kernels_per_pixel": -1}, "kernels_per_pixel must be a number greater than 0"),
    ],
)
def test_wrong_values_are_named(changed: dict, message: str) -> None:
    check_arguments(Fitting, RECIPE, "fitting")
    with pytest.raises(InputError, match=message):
        check_arguments(Fitting, {**RECIPE, **changed}, "fitting")
