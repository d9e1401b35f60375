"""The renderer on gsplat's public functions: float32, CUDA, the exact sum. For where the Triton renderer cannot be used.

gsplat (1.5) composites front to back and has no mode that sums. But its `rasterize_to_indices_in_range` lists the pairs of a
kernel and a pixel in which the kernel counts, alpha = min(0.999, opacity exp(-q)) >= 1/255, and ends a pixel's list only when
the transmittance T falls to 1e-4, T becoming T (1 - alpha) with every pair. From T = infinity it never does. The sum over the
pairs is made here, in torch, and autograd differentiates it.

gsplat takes q from the inverse of Sigma, with a fast exponential, so its cut is not quite the reference's. The lists are made
a little longer than they should be (WIDER, LEAN), and each pair's q is computed anew as `reference` does: the same pairs count.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor
from torch.autograd.function import once_differentiable

from splatsr.splatting.reference import CUT, HUGE, TILE, VANISHING

WIDER = 1.01
"""Opacity of all kernels: the lists reach to q = ln 255 + 0.01. Rounding moves gsplat's q by less than 0.003 (see LEAN)."""

LEAN = 16.0
"""Largest |l21 / l22| that gsplat gets to see; l22 is enlarged beyond, which makes q smaller everywhere, so no pair is lost.

q = (u^2 + t^2) / 2 is made of terms up to (1 + (l21 / l22)^2) u^2: with it rounding moves q by less than 5e-4 of its value.
"""

SLACK = 1e-4
"""By this share of itself, and as many pixels, a kernel's box is larger than where it ends: more than float32 rounds."""

MEMORY = 2**32
"""Bytes that the pairs may take at a time, if every pixel of a tile were reached by every kernel that touches the tile. (Of a
ContinuousSR field at x4 one in thirteen is, at x48 one in two.) A GPU that trains has as much to spare; less means more calls.
"""

PAIR = 128
"""Bytes of a pair without its colors: two indices, their copies, and what autograd keeps of a dozen numbers in float32."""

BATCH = TILE * TILE
"""Kernels of a tile that gsplat takes at a time: one for each thread, of which there is one for each pixel."""


@dataclass(frozen=True, eq=False)
class _Window:
    """A part of the batch small enough for its pairs to fit in memory: tiles of one image, or all tiles of several images."""

    images: int
    top: int
    left: int
    height: int
    width: int
    kernels: Int64[Tensor, "images m"]
    """Which kernels are looked at, as indices into all kernels of the batch; as many for every image."""
    first_image: int

    @property
    def tiles(self) -> tuple[int, int]:
        """Columns and rows of tiles."""
        return -(-self.width // TILE), -(-self.height // TILE)

    def of(self, image: Float[Tensor, "b height width c"]) -> Float[Tensor, "images h w c"]:
        """This part of it: a view."""
        rows, columns = slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)
        return image[self.first_image : self.first_image + self.images, rows, columns]


def splat_gsplat(
    means: Float[Tensor, "b n xy=2"],
    cholesky: Float[Tensor, "b n l11_l21_l22=3"],
    colors: Float[Tensor, "b n c"],
    size: tuple[int, int],
) -> Float[Tensor, "b c {size[0]} {size[1]}"]:
    """Same sum as `reference.splat_exact`, in float32 on a CUDA device; differentiable once.

    Half precision is widened. Waits for the device several times, and adds in no fixed order: the last bits differ between
    runs. The pairs are listed again for the backward pass, so nothing but the field is kept. The first call on a machine
    compiles gsplat, which takes minutes and needs CUDA's compiler (nvcc).
    """
    return _Sum.apply(means.float(), cholesky.float(), colors.float(), size)


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, means: Tensor, cholesky: Tensor, colors: Tensor, size: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(means, cholesky, colors)
        image = colors.new_zeros(len(colors), *size, colors.shape[2])
        means, cholesky, colors = (part.detach().flatten(0, 1) for part in (means, cholesky, colors))
        for window, kernels, pixels in _pairs(means, cholesky, image):
            chosen = window.kernels.flatten()
            window.of(image).add_(_summed(means[chosen], cholesky[chosen], colors[chosen], window, kernels, pixels))
        return image.permute(0, 3, 1, 2).contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        means, cholesky, colors = (part.detach().flatten(0, 1) for part in ctx.saved_tensors)
        totals = [part.new_zeros(part.shape) for part in (means, cholesky, colors)]
        upstream = upstream.permute(0, 2, 3, 1)
        for window, kernels, pixels in _pairs(means, cholesky, upstream):
            chosen = window.kernels.flatten()
            leaves = means[chosen].requires_grad_(), cholesky[chosen].requires_grad_(), colors[chosen].requires_grad_()
            with torch.enable_grad():
                part = _summed(leaves[0], leaves[1], leaves[2], window, kernels, pixels)
            for total, gradient in zip(totals, torch.autograd.grad(part, leaves, window.of(upstream)), strict=True):
                total.index_add_(0, chosen, gradient)
        wanted = zip(totals, ctx.saved_tensors, ctx.needs_input_grad, strict=False)
        return (*(total.view(part.shape) if needed else None for total, part, needed in wanted), None)


def _summed(
    means: Float32[Tensor, "k xy=2"],
    cholesky: Float32[Tensor, "k l11_l21_l22=3"],
    colors: Float32[Tensor, "k c"],
    window: _Window,
    kernels: Int64[Tensor, " pairs"],
    pixels: Int64[Tensor, " pairs"],
) -> Float32[Tensor, "images h w c"]:
    """The window's part of the image: exp(-q) times the color, of every pair. Indices count within the window."""
    weights = torch.exp(-_exponents(means, cholesky, window, kernels, pixels))
    image = colors.new_zeros(window.images * window.height * window.width, colors.shape[1])
    image = image.index_add(0, pixels, weights[:, None] * colors.index_select(0, kernels))
    return image.view(window.images, window.height, window.width, -1)


def _exponents(
    means: Tensor, cholesky: Tensor, window: _Window, kernels: Int64[Tensor, " pairs"], pixels: Int64[Tensor, " pairs"]
) -> Float32[Tensor, " pairs"]:
    """q of every pair, as `reference` has it."""
    x = (pixels % window.width + window.left).to(means.dtype) + 0.5
    y = (pixels // window.width % window.height + window.top).to(means.dtype) + 0.5
    x_mean, y_mean = means.index_select(0, kernels).unbind(1)
    l11, l21, l22 = cholesky.index_select(0, kernels).unbind(1)
    u = (x - x_mean) / l11
    t = (y - y_mean - l21 * u) / l22
    return (u.square() + t.square()) / 2


@torch.no_grad()
def _pairs(means: Tensor, cholesky: Tensor, image: Tensor) -> Iterator[tuple[_Window, Tensor, Tensor]]:
    """Every pair of a kernel and a pixel that it reaches, once: (window, kernel, pixel), the indices counted within the window.

    Args:
        means: of all kernels, image after image.
        cholesky: likewise.
        image: (b, height, width, c), for its shape.
    """
    if 0 in image.shape or not len(means):
        return
    batch, height, width, channels = image.shape
    most = MEMORY // (PAIR + 12 * channels)
    boxes = _boxes(means, cholesky)
    kernels = torch.arange(len(means), device=means.device).view(batch, -1)
    whole = _Window(batch, 0, 0, height, width, kernels, 0)
    for window in _windows(whole, boxes, most):
        chosen = window.kernels.flatten()
        shapes = means[chosen], cholesky[chosen]
        for kernel, pixel in _listed(window, *shapes, boxes[chosen], most):
            reached = _exponents(*shapes, window, kernel, pixel) <= CUT
            yield window, kernel[reached], pixel[reached]


def _listed(window: _Window, means: Tensor, cholesky: Tensor, boxes: Tensor, most: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The pairs that gsplat lists in a window, and no more than `most` at a time unless that is fewer than one tile's batch.

    `isect_tiles` gets boxes that end on tile borders instead of the kernels' radii, which would overflow its int32.
    """
    gsplat = _gsplat()
    shape, size = window.kernels.shape, (window.height, window.width)
    columns, rows = window.tiles
    touched = _tiles(boxes, window)
    centres, radii = (touched.sum(1) * (TILE / 2)).float(), (touched[:, 1] - touched[:, 0]) * (TILE // 2)
    depths = means.new_zeros(shape)  # all equal: the sort keeps the order of equal depths
    _, intersections, members = gsplat.isect_tiles(
        centres.view(*shape, 2), radii.to(torch.int32).view(*shape, 2), depths, TILE, columns, rows
    )
    offsets = gsplat.isect_offset_encode(intersections, window.images, columns, rows)
    empty = (radii <= 0).any(1, keepdim=True)  # gsplat lists none of them; their entries may be no numbers
    local = (means - means.new_tensor([window.left, window.top])).masked_fill(empty, 0.0)
    conics = _conics(cholesky.masked_fill(empty, 1.0))
    transmittances = means.new_full((window.images, *size), math.inf)
    batches = -(-shape[1] // BATCH)  # a tile lists a kernel once at most
    at_once = max(1, most // BATCH**2) if columns * rows * window.images == 1 else batches
    for first in range(0, batches, at_once):
        kernel, pixel, image = gsplat.rasterize_to_indices_in_range(
            first, min(first + at_once, batches), transmittances, local.view(*shape, 2), conics.view(*shape, 3),
            means.new_full(shape, WIDER), window.width, window.height, TILE, offsets, members,
        )  # fmt: skip
        yield image * shape[1] + kernel, image * (window.height * window.width) + pixel


def _windows(window: _Window, boxes: Tensor, most: int) -> Iterator[_Window]:
    """The window, or halves, quarters, ... of it, down to one tile, so that none has more than `most` candidates for a pair."""
    touched = _tiles(boxes[window.kernels.flatten()], window)
    candidates = int((touched[:, 1] - touched[:, 0]).prod(1).sum()) * BATCH
    columns, rows = window.tiles
    if not candidates:
        return
    if candidates <= most or columns * rows * window.images == 1:
        yield window
        return
    for half in _halves(window):
        if half.images == 1:  # the others are kept as a rectangle, the same number for every image
            near = (_tiles(boxes[half.kernels[0]], half).diff(dim=1) > 0).all(2)[:, 0]
            half = replace(half, kernels=half.kernels[:, near])
        yield from _windows(half, boxes, most)


def _halves(window: _Window) -> list[_Window]:
    if window.images > 1:
        half = window.images // 2
        first = replace(window, images=half, kernels=window.kernels[:half])
        rest = replace(window, images=window.images - half, kernels=window.kernels[half:])
        return [first, replace(rest, first_image=window.first_image + half)]
    columns, rows = window.tiles
    if columns > rows:
        half = columns // 2 * TILE
        rest = replace(window, left=window.left + half, width=window.width - half)
        return [replace(window, width=half), rest]
    half = rows // 2 * TILE
    return [replace(window, height=half), replace(window, top=window.top + half, height=window.height - half)]


def _tiles(boxes: Tensor, window: _Window) -> Int64[Tensor, "k first_end=2 xy=2"]:
    """The window's tiles that a kernel's box touches, from the first to before the end."""
    corner = boxes.new_tensor([window.left, window.top])
    first, end = ((boxes - corner) / TILE).unbind(1)
    most = boxes.new_tensor(window.tiles)
    touched = torch.stack([first.floor(), end.ceil()], 1).clamp(min=boxes.new_zeros(2), max=most).long()
    return torch.stack([touched[:, 0], touched.amax(1)], 1)  # an empty kernel's box ends before it begins


def _boxes(means: Tensor, cholesky: Tensor) -> Tensor:
    """(k, 2, xy): corners of what a kernel reaches, in pixels, float64; of an empty one infinity and minus infinity."""
    lengths, centres = cholesky.double().abs(), means.double()
    empty = (lengths[:, ::2].amin(1) < VANISHING) | ~(lengths.amax(1) <= HUGE) | ~centres.isfinite().all(1)
    extents = math.sqrt(2 * CUT) * torch.stack([lengths[:, 0], torch.hypot(lengths[:, 1], lengths[:, 2])], 1)
    extents = extents * (1 + SLACK) + SLACK
    boxes = torch.stack([centres - extents, centres + extents], 1)
    nowhere = boxes.new_tensor([math.inf, -math.inf])[:, None]
    return torch.where(empty[:, None, None], nowhere, boxes)


def _conics(cholesky: Tensor) -> Float32[Tensor, "k a_b_c=3"]:
    """The entries of the inverse of Sigma: q = (a dx^2 + c dy^2) / 2 + b dx dy. With |l21 / l22| at most LEAN."""
    l11, l21, l22 = cholesky.double().unbind(1)
    l22 = torch.maximum(l22.abs(), l21.abs() / LEAN)
    slope = l21 / l22
    return torch.stack([(1 + slope.square()) / l11.square(), -slope / (l11 * l22), 1 / l22.square()], 1).float()


def _gsplat() -> Any:
    import gsplat  # slow, and compiles at its first call

    return gsplat
