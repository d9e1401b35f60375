"""Whether a renderer computes the sum on this machine: a small field, values and gradients, against the reference; without
windows and, where the renderer knows them, with one.

Compilers and drivers differ between machines, and a wrong kernel makes wrong images without a word. Takes milliseconds, besides
what compiling takes.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.splatting.reference import splat_exact, splat_windowed_exact

SIZE = (19, 21)
"""(height, width) of the image: several tiles, the last of them cut off in both directions."""

FIRST = 66
"""Number of the first kernel: one with which no pixel is close to a kernel's cut."""

REACH = (2.29, 3.61)
"""The window, (vertical, horizontal) in pixels: within the wide kernels and beyond the narrow ones' cut; no pixel is close to
an edge."""

TOLERANCE = {"image": 1e-4, "means": 1e-3, "cholesky": 1e-3, "colors": 1e-3}
"""Largest difference, as a share of the largest entry: more than float32 makes of it, less than a kernel lost in a pixel."""

Renderer = Callable[..., Tensor]
"""Of means, Cholesky entries, colors and (height, width), as `splatsr.splatting.splat`; with windows, of `reach` too, as
`splat_windowed`."""


def fault(renderer: Renderer, device: torch.device, *, windows: bool) -> str | None:
    """What is wrong with the renderer on the device, in a few words; None where it equals the reference.

    Waits for the device. Leaves grad mode, autocast, inference mode and random numbers as they are.

    Args:
        renderer: that is tested.
        device: where it draws.
        windows: whether it knows them, and is tested with one too.
    """
    wrong = _difference(renderer, splat_exact, device)
    if wrong is None and windows:
        wrong = _difference(partial(renderer, reach=REACH), partial(splat_windowed_exact, reach=REACH), device)
        wrong = None if wrong is None else f"with a window: {wrong}"
    return wrong


def _difference(renderer: Renderer, reference: Renderer, device: torch.device) -> str | None:
    field, upstream = sample_field()
    expected = dict(zip(TOLERANCE, _with_gradients(reference, field, upstream), strict=True))
    try:
        on_device = [part.to(device, torch.float32) for part in (*field, upstream)]
        found = [part.cpu() for part in _with_gradients(renderer, on_device[:3], on_device[3])]
    except Exception as error:  # noqa: BLE001 - compilers and drivers fail in ways of their own
        return " ".join(f"{type(error).__name__}: {error}".split())[:300]
    for (name, true), own in zip(expected.items(), found, strict=True):
        what = "the image" if name == "image" else f"the gradient of {name}"
        if own.shape != true.shape:
            return f"{what} has the shape {tuple(own.shape)}, not {tuple(true.shape)}"
        share = float((own - true).abs().max() / true.abs().max())
        if not share <= TOLERANCE[name]:
            return f"{what} differs from the reference by {share:.1e} of its largest entry (allowed: {TOLERANCE[name]:.0e})"
    return None


def sample_field() -> tuple[list[Float[Tensor, "..."]], Float[Tensor, "b c h w"]]:
    """Means, Cholesky entries and colors of 2 images of 20 kernels each, and an upstream gradient; float64, on the CPU.

    Wide and narrow kernels of every sign and correlation, within and across the border; some empty. No pixel is close to
    a kernel's cut or to its window's edge (REACH), where rounding alone decides.
    """
    kernels = torch.arange(FIRST, FIRST + 40, dtype=torch.float64, device="cpu")

    def spread(step: float, low: float, high: float) -> Tensor:
        """Multiples of an irrational number, modulo 1: evenly spread, the same everywhere."""
        return low + (high - low) * (kernels * step).remainder(1)

    height, width = SIZE
    signs = 1 - 2 * (kernels.long()[:, None] // torch.tensor([1, 2, 4], device="cpu") % 2)
    l11, l21, l22 = (spread(math.sqrt(prime), low, high) for prime, low, high in ((2, 0.4, 3.0), (3, 0.0, 2.5), (5, 0.4, 3.0)))
    cholesky = torch.stack([l11, l21, l22], 1) * signs
    cholesky[7::20, 0] = 0.0
    means = torch.stack([spread(math.sqrt(7), -3.0, width + 3.0), spread(math.sqrt(11), -3.0, height + 3.0)], 1)
    colors = torch.stack([spread(math.sqrt(prime), -0.3, 1.0) for prime in (13, 17, 19)], 1)
    pixels = torch.arange(2 * 3 * height * width, dtype=torch.float64, device="cpu")
    upstream = (pixels * math.sqrt(23)).remainder(1) - 0.5
    field = [part.float().double().view(2, 20, -1) for part in (means, cholesky, colors)]
    return field, upstream.float().double().view(2, 3, height, width)


def _with_gradients(renderer: Renderer, field: list[Tensor], upstream: Tensor) -> list[Tensor]:
    with (
        torch.inference_mode(mode=False),
        torch.enable_grad(),
        torch.autocast(upstream.device.type, enabled=False),
    ):
        leaves = [part.clone().requires_grad_() for part in field]
        means, cholesky, colors = leaves
        image = renderer(means, cholesky, colors, SIZE)
        return [image.detach(), *torch.autograd.grad(image, leaves, upstream.clone())]
