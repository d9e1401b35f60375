"""Fields that renderers are tested on, and the comparison with the dense reference in float64.

All lengths are output pixels, (x, y) order, centre of the first pixel at (0.5, 0.5).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from splatsr.geometry import cell_corners
from splatsr.splatting import splat
from splatsr.splatting.reference import kernel_weights, splat_exact

Field = tuple[Tensor, Tensor, Tensor]
"""Means (B, N, 2), Cholesky (B, N, 3), colors (B, N, C), all float32."""

Kernel = tuple[tuple[float, float], tuple[float, float, float]]
"""(x, y) and (l11, l21, l22) of one kernel."""


def random_field(size: tuple[int, int], *, kernels: int = 60, batch: int = 1, channels: int = 3, seed: int = 0) -> Field:
    """Kernels about 2 px wide, of every sign and correlation, with centres up to 3 px outside the image."""
    draw = torch.Generator().manual_seed(seed)
    extent = torch.tensor([size[1] + 6.0, size[0] + 6.0])
    means = torch.rand(batch, kernels, 2, generator=draw) * extent - 3
    cholesky = 2 * torch.randn(batch, kernels, 3, generator=draw)
    cholesky += 0.3 * cholesky.sign()
    return means, cholesky, torch.rand(batch, kernels, channels, generator=draw) - 0.3


def listed_field(kernels: list[Kernel]) -> Field:
    """The listed kernels, each with a color of its own."""
    means, cholesky = (torch.tensor([part], dtype=torch.float32) for part in zip(*kernels, strict=True))
    return means, cholesky, torch.linspace(-0.5, 1.0, 3 * len(kernels)).reshape(1, -1, 3)


def noise(field: Field, size: tuple[int, int], seed: int = 1) -> Tensor:
    """Random upstream gradient (B, C, height, width)."""
    shape = (len(field[0]), field[2].shape[-1], *size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def rendered(
    field: Field, size: tuple[int, int], upstream: Tensor, renderer: Callable[..., Tensor] = splat
) -> tuple[Tensor, ...]:
    """The image and the gradients of <upstream, image> with respect to means, Cholesky and colors."""
    leaves = [part.detach().requires_grad_() for part in field]
    image = renderer(*leaves, size)
    return image.detach(), *torch.autograd.grad(image, leaves, upstream)


def clear_of_the_cut(field: Field, size: tuple[int, int]) -> Tensor:
    """1 where no kernel's q is within 1e-3 of ln 255, else 0: there rounding alone decides whether it contributes."""
    means, cholesky = field[0].double(), field[1].double()
    smaller, larger = (kernel_weights(means, cholesky * grow, size) > 0 for grow in (1 - 1e-4, 1 + 1e-4))
    return (smaller == larger).all(1, keepdim=True).float()


def assert_equals_reference(
    field: Field, size: tuple[int, int], renderer: Callable[..., Tensor] = splat, gradient: float = 2e-4
) -> None:
    """Image within 1e-5 and gradients within 2e-4 (or `gradient`) of the largest entry of the float64 reference."""
    clear = clear_of_the_cut(field, size)
    upstream = noise(field, size).to(field[0].device) * clear
    ours = rendered(field, size, upstream, renderer)
    theirs = rendered(tuple(part.double() for part in field), size, upstream.double(), splat_exact)
    assert ours[0].dtype == torch.float32
    for name, own, true in zip(("image", "means", "cholesky", "colors"), ours, theirs, strict=True):
        limit = (1e-5 if name == "image" else gradient) * float(true.abs().max())
        error = (own - true) * clear if name == "image" else own - true
        assert float(error.abs().max()) <= limit, f"{name}: {float(error.abs().max())} > {limit}"


KERNELS: dict[str, list[Kernel]] = {
    "correlated": [((9.2, 8.1), (3, 2.9, 0.2)), ((12.7, 5.4), (2, -6, 0.3)), ((20.1, 11.3), (-0.2, 5, 0.2))],
    "negative": [((9.3, 8.1), s) for s in [(-2, 1, 1.5), (2, 1, -1.5), (-2, 1, -1.5), (2, -1, 1.5), (-2, -1, -1.5)]],
    "singular": [((9.5, 8.5), s) for s in [(0, 1, 1), (1, 1, 0), (0, 1, 0), (0, 0, 0), (1, 0, 1)]],
    "vanishing": [
        ((9.5, 8.5), (1e-9, 0, 1e-9)), ((9.5, 8.5), (1e-4, 0, 1e-4)), ((9.5001, 8.4999), (1e-4, 5e-5, 1e-4)),
        ((3.1, 8.7), (1e-4, 0, 1e-4)), ((9.5, 8.5), (1, 1, 1e-9)), ((9.5, 8.5), (1e-9, 1, 1)),
    ],
    "far off": [((-400, 3), (2, 1, 2)), ((3, 900), (2, 1, 2)), ((1e6, -1e6), (9, 1, 9)), ((9, 8), (1, 0.5, 1))],
    "across the border": [
        ((-1.3, 8), (2, 1, 1)), ((28.4, 8), (2, -1, 1)), ((13, -1.6), (1, 1, 2)), ((13, 20.2), (1, -1, 2)),
        ((-1, -1), (2, 0, 2)), ((28, 20), (2, 1, 2)), ((0, 0), (1, 0, 1)), ((27, 19), (1, 0, 1)),
    ],
    "larger than the image": [((5, 7), (500, 100, 500)), ((-300, 40), (500, -200, 450)), ((5, 7), (500, 400, 1))],
}  # fmt: skip


def lattice_field(
    lr: tuple[int, int], scale: tuple[float, float], *, offset_range: float, largest: bool = False
) -> tuple[Field, tuple[int, int]]:
    """ContinuousSR's four kernels per LR pixel at the scale (vertical, horizontal), and the image's size (floor of scale * lr).

    Every offset is `offset_range` LR pixels long, with random signs; kernels are near the dictionary's mean or all its largest.
    """
    draw = torch.Generator().manual_seed(0)
    stretch = torch.tensor([scale[1], scale[0]])
    anchors = cell_corners(*lr, 2)
    signs = torch.randint(0, 2, (1, len(anchors), 2), generator=draw) * 2 - 1
    shapes = torch.tensor([2.36, 1.54, 2.23] if largest else [1.1407, 0.3395, 1.0475]).expand(1, len(anchors), 3)
    if not largest:
        shapes = shapes * (1 + 0.25 * torch.randn(shapes.shape, generator=draw))
    field = (
        (anchors + offset_range * signs) * stretch,
        shapes / 4 * torch.tensor([scale[1], scale[0], scale[0]]),
        0.6 * torch.rand(1, len(anchors), 3, generator=draw),
    )
    return field, (math.floor(lr[0] * scale[0]), math.floor(lr[1] * scale[1]))
