"""Sum-splatting: a set of 2D Gaussian kernels becomes an image. `splat` draws; `use_renderer` says with what."""

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.splatting.choice import chosen_renderer, draw, use_renderer
from splatsr.splatting.reference import TILE_KERNELS, splat_exact, splat_tiles, splat_windowed_exact

__all__ = ["splat", "splat_windowed", "use_renderer"]


def splat(
    means: Float[Tensor, "b n xy=2"],
    cholesky: Float[Tensor, "b n l11_l21_l22=3"],
    colors: Float[Tensor, "b n c"],
    size: tuple[int, int],
    mode: str = "exact",
) -> Float[Tensor, "b c {size[0]} {size[1]}"]:
    """Sum of 2D Gaussians at pixel centres: image(p) = sum_n color_n exp(-q_n(p)), cut where exp(-q) < 1/255.

    q_n(p) = (p - mean)^T Sigma^-1 (p - mean) / 2 with Sigma = L L^T, L = [[l11, 0], [l21, l22]] (ContinuousSR eq. 3 to 5
    with opacity 1; the peak of a kernel is its color, there is no normalisation and no background).

    Args:
        means: centres in output pixels; the centre of the first pixel is (0.5, 0.5). May lie outside the image.
        cholesky: in output pixels; signs are free. A kernel with |l11| or |l22| below 1e-6, with an
            entry beyond 1e15 or with a NaN is empty: it adds nothing and gets no gradient.
        colors: any number of channels, unbounded.
        size: (height, width) of the image in pixels, both at least 1.
        mode: "exact" sums every kernel up to the cut. "first256" is what the published CUDA renderer makes: 16x16 tiles, each
            summing only the first 256 kernels that touch it; "tiles" is the same without that limit, so only the outermost
            tails are missing at some tile borders. (Both by the reference, tile by tile: seconds, not milliseconds.) The
            pixel's footprint is not here, because it depends on the scale: `GaussianField.render` changes the kernels first.

    Returns:
        The image, unclamped; differentiable with respect to means, cholesky and colors (the cut is a constant).
        float32 takes the Triton renderer on CUDA devices, where it passes a self-test at its first use (choice.py has what
        comes next), and the compiled threaded one on the CPU (to which tensors of other devices are copied, and back);
        float64 takes the dense reference, whose memory is B * N * H * W.

    Raises:
        ValueError: shapes, dtypes, size or mode are not as above.
    """
    _check(means, cholesky, colors, size)
    if mode in ("first256", "tiles"):
        return splat_tiles(means, cholesky, colors, size, TILE_KERNELS if mode == "first256" else None)
    if mode != "exact":
        raise ValueError(f'mode must be "exact", "first256" or "tiles", got {mode!r}.')
    if means.dtype != torch.float32:
        return splat_exact(means, cholesky, colors, size)
    return draw(chosen_renderer(means.device).name, means, cholesky, colors, size)


def splat_windowed(
    means: Float[Tensor, "b n xy=2"],
    cholesky: Float[Tensor, "b n l11_l21_l22=3"],
    colors: Float[Tensor, "b n c"],
    size: tuple[int, int],
    reach: tuple[float, float],
) -> Float[Tensor, "b c {size[0]} {size[1]}"]:
    """As `splat`, but a kernel ends at a window around its centre, and not where its value is small: GSASR's "dmax" renderer.

    Args:
        means: as those of `splat`, and so the next three.
        cholesky: shapes.
        colors: peaks.
        size: of the image.
        reach: (vertical, horizontal) half sides of the window in output pixels, at least 0; infinity: there is no window.
            A kernel contributes to the pixels whose centres are at most so far from its own, along either axis.

    Returns:
        The image, unclamped; differentiable with respect to means, cholesky and colors (the window's edge is a constant).
        float32 is drawn by the same renderers as in `splat` (but for gsplat's, whose place the processor takes) and leaves
        out what is below 2^-27 of a kernel's peak; float64 takes the dense reference, whose memory is B * N * H * W.

    Raises:
        ValueError: shapes, dtypes, size or reach are not as above.
    """
    _check(means, cholesky, colors, size)
    if len(reach) != 2 or not min(reach) >= 0:
        raise ValueError(f"reach must be (vertical, horizontal) in pixels, both at least 0; got {tuple(reach)}.")
    if means.dtype != torch.float32:
        return splat_windowed_exact(means, cholesky, colors, size, reach)
    return draw(chosen_renderer(means.device).name, means, cholesky, colors, size, reach)


def _check(means: Tensor, cholesky: Tensor, colors: Tensor, size: tuple[int, int]) -> None:
    shapes = f"means {tuple(means.shape)}, cholesky {tuple(cholesky.shape)}, colors {tuple(colors.shape)}"
    if not (means.ndim == cholesky.ndim == colors.ndim == 3 and means.shape[2] == 2 and cholesky.shape[2] == 3):
        raise ValueError(f"splat expects means (B, N, 2), cholesky (B, N, 3), colors (B, N, C); got {shapes}.")
    if not means.shape[:2] == cholesky.shape[:2] == colors.shape[:2]:
        raise ValueError(f"splat expects the same B and N everywhere; got {shapes}.")
    if not means.dtype == cholesky.dtype == colors.dtype or means.dtype not in (torch.float32, torch.float64):
        raise ValueError(
            f"splat expects dtype float32 (or float64) everywhere; got {means.dtype}, {cholesky.dtype}, {colors.dtype}."
        )
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"size must be (height, width), both at least 1; got {tuple(size)}.")
