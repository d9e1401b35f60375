"""Stored outputs of the published renderer's arithmetic, emulated in float64 (`tests/goldens/rasterizer.safetensors`).

There, means are normalised and pixel centres are whole numbers: mean = (means2d + 1) * (W, H) / 2 + 0.5 in our pixels.
Case "sparse" has edge cases and no full tile; case "dense" has tiles with more than 256 kernels, hence two images.
"""

import pytest
import torch
from torch import Tensor

from golden import read_golden
from splatsr.splatting import splat
from splatsr.splatting.reference import published_radius

NAMES = ("means2d", "cholesky", "colors")


class Golden:
    """One case: our inputs (1, N, ...), the upstream gradient and images (1, 3, height, width), lengths in pixels."""

    def __init__(self, case: str) -> None:
        tensors, metadata = read_golden("rasterizer")
        facts, prefix = metadata[case], f"{case}."
        self.stored = {key.removeprefix(prefix): part for key, part in tensors.items() if key.startswith(prefix)}
        self.size = facts["H"], facts["W"]
        self.to_pixels = torch.tensor([facts["W"], facts["H"]]) / 2

    def inputs(self, dtype: torch.dtype) -> list[Tensor]:
        means, cholesky, colors = (self.stored[name].to(dtype)[None] for name in NAMES)
        return [(means + 1) * self.to_pixels.to(dtype) + 0.5, cholesky, colors]

    def image(self, suffix: str = "") -> Tensor:
        return self.stored[f"image{suffix}"].permute(2, 0, 1)[None]

    def upstream(self) -> Tensor:
        return self.stored["upstream"].permute(2, 0, 1)[None]


def assert_near(ours: Tensor, golden: Tensor, tolerance: float, name: str) -> None:
    """Largest error relative to the largest golden entry."""
    error = float((ours - golden).abs().max() / golden.abs().max())
    assert error <= tolerance, f"{name}: {error} > {tolerance}"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("case", "mode", "suffix"),
    [
        ("dense", "exact", ""), ("dense", "tiles", ""), ("dense", "first256", "_first256"),
        ("sparse", "tiles", ""), ("sparse", "first256", ""),
    ],
)  # fmt: skip
def test_image_and_gradients(case: str, mode: str, suffix: str, dtype: torch.dtype) -> None:
    golden = Golden(case)
    leaves = [part.requires_grad_() for part in golden.inputs(dtype)]
    image = splat(*leaves, golden.size, mode=mode)
    gradients = torch.autograd.grad(image, leaves, golden.upstream().to(dtype))
    assert_near(image.detach(), golden.image(suffix), 1e-5, "image")
    for name, gradient in zip(NAMES, gradients, strict=True):
        ours = gradient[0] * golden.to_pixels if name == "means2d" else gradient[0]
        assert_near(ours, golden.stored[f"grad_{name}{suffix}"], 2e-4, f"grad_{name}")


def test_dense_case_tells_the_modes_apart() -> None:
    golden = Golden("dense")
    difference = (golden.image() - golden.image("_first256")).abs().amax(1)
    assert float((difference > 0.01).float().mean()) > 0.01


def test_sparse_case_differs_from_exact_only_in_published_tails() -> None:
    """The published code omits what a kernel casts beyond 3 standard deviations into tiles that its box misses."""
    golden = Golden("sparse")
    tails = splat(*golden.inputs(torch.float64), golden.size) - splat(
        *golden.inputs(torch.float64), golden.size, mode="first256"
    )
    with_tails = (tails != 0).any(1)
    assert 0 < float(with_tails.float().mean()) < 0.005
    image = splat(*golden.inputs(torch.float32), golden.size)
    assert_near(image - tails, golden.image(), 1e-5, "image without the tails")
    elsewhere = ~with_tails[:, None].expand_as(image)
    assert_near(image[elsewhere], golden.image()[elsewhere], 1e-5, "image elsewhere")


@pytest.mark.parametrize("case", ["sparse", "dense"])
def test_published_radii(case: str) -> None:
    golden = Golden(case)
    assert torch.equal(published_radius(golden.inputs(torch.float32)[1])[0], golden.stored["radii"].long())
