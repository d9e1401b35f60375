"""The pixel's footprint: the mean over a pixel, as a change of the kernels.

Lengths of kernels are output pixels, (x, y) order, as in `splat`.
"""

import math

import pytest
import torch
from torch import Tensor

from splatsr import GaussianField, InputError, splat
from splatsr.splatting.footprint import KAPPA, check_reference_scale, described, excess, samples_per_pixel, widen
from splatsr.splatting.reference import HUGE

SIDE = 24
"""Of the field, in LR pixels."""

SHAPES = {"mean": (1.1407, 0.3395, 1.0475), "sharp": (0.7, 0.1, 0.65)}
"""(l11, l21, l22) in quarters of an LR pixel: the dictionary's mean, and a sharp kernel."""

SCALES = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0]


def random_lattice(shape: tuple[float, float, float]) -> GaussianField:
    """Four kernels per LR pixel around the lattice, white-noise colors: the worst case for sampling."""
    draw = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(2 * SIDE) / 2, torch.arange(2 * SIDE) / 2, indexing="ij")
    corners = torch.stack([x, y], -1).reshape(1, -1, 2)
    offsets = torch.tanh(0.35 * torch.randn(corners.shape, generator=draw))
    jitter = 1 + 0.25 * torch.randn(1, len(corners[0]), 3, generator=draw)
    colors = 0.6 * torch.rand(1, len(corners[0]), 3, generator=draw)
    return GaussianField(corners + offsets, torch.tensor(shape) / 4 * jitter, colors, (SIDE, SIDE), reference_scale=math.inf)


def uncut(field: GaussianField, scale: float, *, finer: int = 1, wide: bool = False) -> Tensor:
    """The image without the 1/255 cut, each pixel the mean of finer x finer point samples."""
    factor = scale * finer
    means, cholesky, colors = field.means[0] * factor, field.cholesky[0] * factor, field.colors[0]
    if wide:
        cholesky, colors = (part[0] for part in widen(cholesky[None], colors[None], excess((scale, scale), math.inf)))
    l11, l21, l22 = cholesky.unbind(-1)
    support = 5 * torch.stack([l11.abs(), (l21.square() + l22.square()).sqrt()], -1)  # exp(-12.5) is 4e-6
    image = torch.zeros(round(SIDE * factor), round(SIDE * factor), 3)
    step = round(2 * factor)
    for top in range(0, len(image), step):  # a block of pixels needs the kernels near it only
        for left in range(0, len(image), step):
            low, high = torch.tensor([left, top]), torch.tensor([left, top]) + step
            near = ((means + support > low) & (means - support < high)).all(1)
            x, y = torch.arange(left, left + step) + 0.5, torch.arange(top, top + step)[:, None] + 0.5
            u = (x - means[near, 0, None, None]) / l11[near, None, None]
            t = (y - means[near, 1, None, None] - l21[near, None, None] * u) / l22[near, None, None]
            weights = torch.exp(-(u.square() + t.square()) / 2)
            image[top : top + step, left : left + step] = torch.einsum("nyx,nc->yxc", weights, colors[near])
    return torch.nn.functional.avg_pool2d(image.permute(2, 0, 1)[None], finer)


def psnr(image: Tensor, truth: Tensor) -> float:
    return -10 * math.log10(float((image - truth).double().square().mean()))


BARS = {
    "mean": [33.6, 39.5, 45.3, 50.2, 54.2, 61.2],
    "mean, cut": [33.6, 39.3, 44.5, 47.9, 49.8, 51.4],
    "sharp": [33.6, 37.1, 41.2, 44.4, 47.7, 54.1],
}
"""PSNR in dB of the footprint at SCALES, from an independent implementation on a field drawn by the same rule."""


@pytest.mark.parametrize("shape", ["mean", "sharp"])
def test_is_the_mean_over_a_pixel(shape: str) -> None:
    field = random_lattice(SHAPES[shape])
    for index, scale in enumerate(SCALES):
        truth = uncut(field, scale, finer=8)
        assert psnr(uncut(field, scale, wide=True), truth) > BARS[shape][index] - 0.5
        assert psnr(field.render(scale=scale, mode="exact"), truth) < BARS[shape][index] - 15
        if shape == "mean":  # what the cut leaves of it: it removes 0.4 % of every kernel
            assert psnr(field.render(scale=scale), truth) > BARS["mean, cut"][index] - 0.5


def covariance(cholesky: Tensor) -> Tensor:
    l11, l21, l22 = cholesky.unbind(-1)
    return torch.stack([l11 * l11, l11 * l21, l21 * l21 + l22 * l22], -1)


def kernels(count: int = 50) -> tuple[Tensor, Tensor]:
    """Cholesky rows of every sign, 0.1 to 3 pixels, and colors, (1, count, 3) each, in float64."""
    draw = torch.Generator().manual_seed(1)
    cholesky = torch.randn(1, count, 3, generator=draw, dtype=torch.float64)
    return cholesky + 0.1 * cholesky.sign(), torch.randn(1, count, 3, generator=draw, dtype=torch.float64)


def test_adds_to_the_covariance_and_keeps_the_integral() -> None:
    cholesky, colors = kernels()
    wide, faint = widen(cholesky, colors, (0.07, 0.03))
    torch.testing.assert_close(covariance(wide), covariance(cholesky) + torch.tensor([0.07, 0.0, 0.03]).double())
    torch.testing.assert_close(
        faint * (wide[..., 0] * wide[..., 2]).abs()[..., None], colors * (cholesky[..., 0] * cholesky[..., 2]).abs()[..., None]
    )


def test_single_precision_loses_nothing_to_strong_correlation() -> None:
    cholesky, colors = torch.tensor([[[0.01, 40.0, 1e-3], [30.0, 3e4, 0.01]]]), torch.ones(1, 2, 1)
    single = widen(cholesky, colors, (0.05, 0.05))
    double = widen(cholesky.double(), colors.double(), (0.05, 0.05))
    for part, true in zip(single, double, strict=True):
        torch.testing.assert_close(part.double(), true, rtol=1e-6, atol=0)


@pytest.mark.parametrize("variances", [(0.078, 0.078), (0.05, 0.0), (0.0, 0.05)])
def test_gradients(variances: tuple[float, float]) -> None:
    inputs = [part.requires_grad_() for part in kernels(8)]
    assert torch.autograd.gradcheck(lambda *parts: widen(*parts, variances), inputs)


@pytest.mark.parametrize("variances", [(0.078, 0.078), (0.05, 0.0), (0.0, 0.05)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_vanishing_kernel_has_no_amplitude_and_finite_gradients(variances: tuple[float, float], dtype: torch.dtype) -> None:
    rows = [(0, 1, 1), (1, 1, 0), (0, 1, 0), (0, 0, 0), (1e-12, 0, 1e-12), (1, 0, 0), (0, 0, 1)]
    cholesky = torch.tensor([rows], dtype=dtype, requires_grad=True)
    colors = torch.ones(1, len(rows), 1, dtype=dtype, requires_grad=True)
    wide, faint = widen(cholesky, colors, variances)
    assert faint.abs().max() < 1e-5
    image = splat(torch.full((1, len(rows), 2), 4.5, dtype=dtype), wide, faint, (9, 9))
    assert image.abs().max() < 1e-5
    for gradient in torch.autograd.grad(image.sum() + wide.sum() + faint.sum(), (cholesky, colors)):
        assert gradient.isfinite().all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 3 * HUGE, 3e38])
def test_what_splat_takes_for_empty_is_empty(bad: float) -> None:
    cholesky = torch.tensor([[[1.0, 0.5, 1.0]]]).repeat(1, 4, 1)
    for entry in range(3):
        cholesky[0, entry, entry] = bad
    leaves = cholesky.requires_grad_(), torch.ones(1, 4, 1, requires_grad=True)
    wide, faint = widen(*leaves, (0.05, 0.05))
    assert faint[0].flatten().gt(0).tolist() == [False, False, False, True]
    for gradient in torch.autograd.grad(wide.sum() + faint.sum(), leaves):
        assert gradient.isfinite().all()


def test_the_excess_is_per_axis_and_ends_at_the_reference_scale() -> None:
    assert excess((4.0, 1.0), 4.0) == (KAPPA * 15 / 16, 0.0)  # (v_x, v_y) of (vertical, horizontal)
    assert excess((2.0, 17.0), 4.0) == (0.0, KAPPA * 3 / 4)
    assert excess((48.0, 1.0), math.inf) == (KAPPA, KAPPA)
    assert excess((1.0, 1.0), 0) == (0.0, 0.0)


@pytest.mark.parametrize("scale", [4, 4.7, 8, (4, 9)])
def test_from_the_reference_scale_on_it_is_exact_bitwise(scale: float | tuple[float, float]) -> None:
    field = published_lattice()
    assert torch.equal(field.render(scale=scale), field.render(scale=scale, mode="exact"))
    assert not torch.equal(field.render(scale=3.9), field.render(scale=3.9, mode="exact"))


def published_lattice() -> GaussianField:
    """The random field as if fitted by point sampling at x4 and above."""
    field = random_lattice(SHAPES["mean"])
    return GaussianField(field.means, field.cholesky, field.colors, field.size)


@pytest.mark.parametrize("scale", [1, 2, (1, 2), (4, 1)])
def test_where_samples_fit_the_reference_scale_both_modes_agree(scale: float | tuple[float, float]) -> None:
    """k samples across a pixel have just the variance of the excess at s = s_ref / k."""
    field = published_lattice()
    truth = field.render(scale=scale, mode="supersample")
    assert psnr(field.render(scale=scale), truth) > psnr(field.render(scale=scale, mode="exact"), truth) + 9
    assert psnr(field.render(scale=scale), truth) > 32


def test_supersampling_is_the_mean_of_the_finer_image() -> None:
    field = published_lattice()
    fine = field.render(size=(4 * 24, 3 * 36), mode="exact")
    torch.testing.assert_close(field.render(size=(24, 36), mode="supersample"), torch.nn.functional.avg_pool2d(fine, (4, 3)))
    assert samples_per_pixel((1.0, 1.5), 4.0) == (4, 3)
    assert samples_per_pixel((4.0, 48.0), 4.0) == samples_per_pixel((1.0, 1.0), 0) == (1, 1)


@pytest.mark.parametrize("reference_scale", [4.0, math.inf])
@pytest.mark.parametrize("scale", [1, 1.3, 1.5, 2, 2.5, 3.3, 4, 6.7, 8, 12, 20])
def test_brightness_does_not_depend_on_scale(scale: float, reference_scale: float) -> None:
    side = 10
    y, x = torch.meshgrid(torch.arange(2.0 * side), torch.arange(2.0 * side), indexing="ij")
    means = (torch.stack([x, y], -1).reshape(1, -1, 2) + 0.5) / 2
    shapes = torch.tensor(SHAPES["mean"]).expand(1, len(means[0]), 3) / 4
    field = GaussianField(means, shapes, torch.ones(1, len(means[0]), 1), (side, side), reference_scale=reference_scale)

    def brightness(scale: float) -> float:
        image = field.render(scale=scale)[0, 0]
        edge = math.ceil(3 * len(image) / side)
        return float(image[edge:-edge, edge:-edge].mean())

    assert brightness(scale) == pytest.approx(brightness(48), rel=5e-3)


def test_a_kernel_narrower_than_a_pixel_shows_the_same_light_wherever_it_falls() -> None:
    def light(x: float, mode: str) -> float:
        shape = torch.tensor([[[0.285, 0.0, 0.262]]])
        return float(
            GaussianField(torch.tensor([[[x, 4.5]]]), shape, torch.ones(1, 1, 1), (9, 9)).render(scale=1, mode=mode).sum()
        )

    assert light(4.5, "exact") > 2 * light(4.0, "exact")
    assert light(4.5, "footprint") == pytest.approx(light(4.0, "footprint"), rel=0.2)


def test_the_rule_in_words() -> None:
    assert described(4.0) == "footprint below x4, exact from there"
    assert described(math.inf) == "footprint at every scale"
    assert described(0) == "exact at every scale"


@pytest.mark.parametrize("wrong", [-1.0, math.nan, ".inf", None])
def test_a_wrong_reference_scale_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="reference_scale must be a number of at least 0"):
        check_reference_scale(wrong)


def test_a_field_checks_its_reference_scale() -> None:
    with pytest.raises(ValueError, match="reference_scale must be"):
        GaussianField(torch.zeros(1, 1, 2), torch.ones(1, 1, 3), torch.ones(1, 1, 3), (1, 1), reference_scale=-1)


def test_an_unknown_mode_is_refused_with_the_list() -> None:
    with pytest.raises(InputError, match="one of footprint, exact, tiles, first256, supersample"):
        published_lattice().render(scale=2, mode="supersampled")


def test_tiny_reference_scales_do_not_overflow() -> None:
    assert excess((2.0, 3.0), 1e-300) == (0.0, 0.0)
