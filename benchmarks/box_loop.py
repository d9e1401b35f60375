"""The yardstick: the loop one would write first. Every kernel visits its bounding box, every pixel takes one exp.

numba, all cores, float32. Means, sizes and Cholesky factors in pixels, (x, y) order, centre of the first pixel at
(0.5, 0.5); images are (height, width, channels), so that the innermost loop runs over neighbours in memory.
"""

import math

import numpy as np
from numba import njit, prange

BAND = 16
"""Image rows that one thread renders at a time."""

CUT = np.float32(math.log(255.0))
SUPPORT = np.float32(math.sqrt(2 * math.log(255.0)))
HALF = np.float32(0.5)


@njit(inline="always", error_model="numpy")
def _span(centre, radius, length):  # noqa: ANN001, ANN202
    """(first, end) of the pixels whose centres lie within `radius` of `centre`, clipped to the image."""
    first, last = math.ceil(centre - radius - HALF), math.floor(centre + radius - HALF)
    return max(first, 0), min(last, length - 1) + 1


@njit(inline="always", error_model="numpy")
def _box(mean, cholesky, height, width):  # noqa: ANN001, ANN202
    """(top, bottom, left, right) of the pixels that the cut ellipse's bounding box holds."""
    left, right = _span(mean[0], SUPPORT * abs(cholesky[0]), width)
    radius = SUPPORT * np.sqrt(cholesky[1] * cholesky[1] + cholesky[2] * cholesky[2])
    top, bottom = _span(mean[1], radius, height)
    return top, bottom, left, right


@njit(inline="always", error_model="numpy")
def _kernel(mean, cholesky):  # noqa: ANN001, ANN202
    """(x, y, l21, 1 / l11, 1 / l22)."""
    return mean[0], mean[1], cholesky[1], np.float32(1) / cholesky[0], np.float32(1) / cholesky[2]


@njit(inline="always", error_model="numpy")
def _whitened(dx, dy, l21, per_l11, per_l22):  # noqa: ANN001, ANN202
    """(u, t, q): L (u, t)^T is the way (dx, dy) from the centre; the kernel is exp(-q) there."""
    u = dx * per_l11
    t = (dy - l21 * u) * per_l22
    return u, t, HALF * (u * u + t * t)


@njit(error_model="numpy")
def sort_by_band(means, cholesky, height, width):  # noqa: ANN001, ANN201
    """Counting sort: order[starts[j]:starts[j + 1]] are the kernels whose box touches band j, ascending."""
    bands = (height + BAND - 1) // BAND
    starts = np.zeros(bands + 1, np.int64)
    for k in range(len(means)):
        top, bottom, left, right = _box(means[k], cholesky[k], height, width)
        if top < bottom and left < right:
            for j in range(top // BAND, (bottom - 1) // BAND + 1):
                starts[j + 1] += 1
    starts = np.cumsum(starts)
    cursor, order = starts.copy(), np.empty(starts[-1], np.int64)
    for k in range(len(means)):
        top, bottom, left, right = _box(means[k], cholesky[k], height, width)
        if top < bottom and left < right:
            for j in range(top // BAND, (bottom - 1) // BAND + 1):
                order[cursor[j]] = k
                cursor[j] += 1
    return starts, order


@njit(parallel=True, error_model="numpy")
def forward(means, cholesky, colors, height, width):  # noqa: ANN001, ANN201
    """The image (height, width, channels): bands in parallel, each adds its kernels in index order."""
    channels = colors.shape[1]
    image = np.zeros((height, width, channels), np.float32)
    starts, order = sort_by_band(means, cholesky, height, width)
    for j in prange(len(starts) - 1):
        for position in range(starts[j], starts[j + 1]):
            k = order[position]
            top, bottom, left, right = _box(means[k], cholesky[k], height, width)
            cx, cy, l21, per_l11, per_l22 = _kernel(means[k], cholesky[k])
            for y in range(max(top, j * BAND), min(bottom, (j + 1) * BAND)):
                dy = np.float32(y) + HALF - cy
                for x in range(left, right):
                    _, _, q = _whitened(np.float32(x) + HALF - cx, dy, l21, per_l11, per_l22)
                    if q <= CUT:
                        alpha = math.exp(-q)
                        for c in range(channels):
                            image[y, x, c] += alpha * colors[k, c]
    return image


@njit(parallel=True, error_model="numpy")
def backward(means, cholesky, colors, upstream):  # noqa: ANN001, ANN201
    """Gradients of means, Cholesky and colors: kernels in parallel, each gathers from upstream (height, width, C)."""
    height, width, channels = upstream.shape
    grad_means, grad_cholesky = np.zeros_like(means), np.zeros_like(cholesky)
    grad_colors = np.zeros_like(colors)
    for k in prange(len(means)):
        top, bottom, left, right = _box(means[k], cholesky[k], height, width)
        cx, cy, l21, per_l11, per_l22 = _kernel(means[k], cholesky[k])
        su = st = suu = sut = stt = np.float32(0)
        for y in range(top, bottom):
            dy = np.float32(y) + HALF - cy
            for x in range(left, right):
                u, t, q = _whitened(np.float32(x) + HALF - cx, dy, l21, per_l11, per_l22)
                if q <= CUT:
                    alpha = math.exp(-q)
                    weight = np.float32(0)
                    for c in range(channels):
                        weight += colors[k, c] * upstream[y, x, c]
                        grad_colors[k, c] += alpha * upstream[y, x, c]
                    wu, wt = alpha * weight * u, alpha * weight * t
                    su, st, suu, sut, stt = su + wu, st + wt, suu + wu * u, sut + wu * t, stt + wt * t
        grad_means[k, 1] = st * per_l22
        grad_means[k, 0] = (su - l21 * grad_means[k, 1]) * per_l11
        grad_cholesky[k, 1], grad_cholesky[k, 2] = sut * per_l22, stt * per_l22
        grad_cholesky[k, 0] = (suu - l21 * grad_cholesky[k, 1]) * per_l11
    return grad_means, grad_cholesky, grad_colors
