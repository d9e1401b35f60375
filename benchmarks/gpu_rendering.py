"""What the splatter costs on a GPU, beside gsplat, dense torch and a copy: the parts of gpu_minutes.py that render.

Times are medians in milliseconds, of Triton's `do_bench`, which empties the cache between calls; "graph" is the forward pass
replayed as a CUDA graph, without the cost of launching. Without a GPU (for tests of this script) they are wall-clock times.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from composed_model import composed_model
from splat import Case, standard_field
from splatsr.splatting import splat
from splatsr.splatting.reference import splat_exact

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")

CASES = [(1, Case(48, 48, 4)), (16, Case(64, 64, 4)), (1, Case(48, 48, 16)), (1, Case(48, 48, 48)), (1, Case(340, 510, 2)),
         (1, Case(340, 510, 4))]  # fmt: skip
"""Batch and image; the second is a training batch of 256-pixel crops."""

TOY_CASES = [(1, Case(3, 3, 2)), (2, Case(2, 3, 3))]

DENSE_WEIGHTS = 400_000_000
"""The dense reference takes part where kernels * pixels, over the batch, stay below this: a few GB with its temporaries."""

COPY_BYTES = 1 << 28

SCALES = range(4, 49)
"""Of the papers' average time, for an LR image of 21x13."""


def milliseconds(work: Callable[[], object]) -> float:
    """The median of one call."""
    if DEVICE.type == "cuda":
        from triton.testing import do_bench

        return do_bench(work, warmup=15, rep=60, return_mode="median")
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def graph_milliseconds(work: Callable[[], object]) -> float | None:
    """The same of a replayed CUDA graph; None without a GPU."""
    if DEVICE.type != "cuda":
        return None
    from triton.testing import do_bench_cudagraph

    return do_bench_cudagraph(work, rep=20, return_mode="median")


def copy_bandwidth() -> float:
    """Bytes per millisecond that a copy reads and writes."""
    source = torch.empty(COPY_BYTES if DEVICE.type == "cuda" else 1 << 20, dtype=torch.uint8, device=DEVICE)
    target = torch.empty_like(source)
    return 2 * source.numel() / milliseconds(lambda: target.copy_(source))


def check_agreement(name: str, mine: Tensor, theirs: Tensor) -> float:
    """Refuses to time renderers that differ by more than 1e-4 of the norm (a pixel on the cut may fall either way)."""
    error = float((mine - theirs).norm() / theirs.norm())
    if not error < 1e-4:
        raise ValueError(f"The renderers disagree on {name}: {error:.1e} of the norm; expected below 1e-4.")
    return error


def render_times(toy: bool) -> Iterator[dict]:
    """A row for each case: forward, as a graph, backward, dense torch, and what copying the bytes would take."""
    bandwidth = copy_bandwidth()
    for batch, case in TOY_CASES if toy else CASES:
        yield {"copy_gb_per_s": bandwidth / 1e6, **_render_times(batch, case, bandwidth)}


def _render_times(batch: int, case: Case, bandwidth: float) -> dict:
    leaves = [part.expand(batch, -1, -1).to(DEVICE).contiguous().requires_grad_() for part in standard_field(case)]
    field = [leaf.detach() for leaf in leaves]
    upstream = torch.randn(batch, 3, *case.size, generator=torch.Generator().manual_seed(1)).to(DEVICE)
    image = splat(*leaves, case.size)
    gradients = torch.autograd.grad(image, leaves, upstream, retain_graph=True)
    cpu_leaves = [part.detach().cpu().requires_grad_() for part in leaves]
    cpu_image = splat(*cpu_leaves, case.size)
    cpu_gradients = torch.autograd.grad(cpu_image, cpu_leaves, upstream.cpu())
    errors = {
        name: check_agreement(f"{name} of {batch} of {case}", mine.detach().cpu(), theirs.detach())
        for name, mine, theirs in zip(
            ("image", "means", "cholesky", "colors"), (image, *gradients), (cpu_image, *cpu_gradients), strict=True
        )
    }
    dense = batch * field[0].shape[1] * case.size[0] * case.size[1] <= DENSE_WEIGHTS
    inputs, pixels = sum(part.nbytes for part in field), upstream.nbytes
    return {
        "field": f"{batch} of {case}",
        "kernels": batch * field[0].shape[1],
        "errors": errors,
        "forward_ms": milliseconds(lambda: splat(*field, case.size)),
        "forward_graph_ms": graph_milliseconds(lambda: splat(*field, case.size)),
        "backward_ms": milliseconds(lambda: torch.autograd.grad(image, leaves, upstream, retain_graph=True)),
        "dense_forward_ms": milliseconds(lambda: splat_exact(*field, case.size)) if dense else None,
        "forward_copy_ms": (inputs + pixels) / bandwidth,
        "write_ms": pixels * 2 / bandwidth,
        "backward_copy_ms": (2 * inputs + pixels) / bandwidth,
    }


def gsplat_times(toy: bool) -> Iterator[dict]:
    """gsplat's tile lists summed by one Triton program a tile (tile_lists.py), and gsplat's own alpha renderer, which composes
    instead of adding: another image, made at the same cost as its users pay. Its first call compiles for minutes."""
    from gsplat import isect_offset_encode, isect_tiles, rasterize_to_pixels

    from tile_lists import conics_and_radii, splat_lists

    for batch, case in TOY_CASES if toy else CASES:
        field = [part.expand(batch, -1, -1).to(DEVICE).contiguous() for part in standard_field(case)]
        means, cholesky, colors = field

        def lists() -> Tensor:
            return splat_lists(*field, case.size, isect_tiles, isect_offset_encode)  # noqa: B023

        def alpha() -> Tensor:
            conics, radii = conics_and_radii(cholesky)  # noqa: B023
            tiles = [-(-side // 16) for side in case.size]  # noqa: B023
            _, pairs, members = isect_tiles(means, radii, means.new_zeros(means.shape[:2]), 16, tiles[1], tiles[0])  # noqa: B023
            starts = isect_offset_encode(pairs, batch, tiles[1], tiles[0])  # noqa: B023
            opacities = means.new_full(means.shape[:2], 0.1)  # noqa: B023
            size = case.size[1], case.size[0]  # noqa: B023
            return rasterize_to_pixels(means, conics, colors, opacities, *size, 16, starts, members)[0]  # noqa: B023

        check_agreement("the image (gsplat's lists)", lists(), splat(*field, case.size))
        yield {
            "field": f"{batch} of {case}",
            "tile_lists_forward_ms": milliseconds(lists),
            "alpha_forward_ms": milliseconds(alpha),
        }


def scale_times(toy: bool) -> Iterator[dict]:
    """Every whole scale from x4 to x48 of an LR image of 21x13, as a graph and as it is called."""
    for scale in (4, 5) if toy else SCALES:
        case = Case(2, 3, scale) if toy else Case(13, 21, scale)
        field = [part.to(DEVICE) for part in standard_field(case)]
        yield {
            "scale": scale,
            "forward_ms": milliseconds(lambda: splat(*field, case.size)),  # noqa: B023
            "forward_graph_ms": graph_milliseconds(lambda: splat(*field, case.size)),  # noqa: B023
        }


@torch.inference_mode()
def published_times(toy: bool) -> Iterator[dict]:
    """Table 1's model, ContinuousSR on HAT, on the papers' LR sizes: to encode once, and to render at x4 and x48."""
    overrides = ["model=continuoussr_tiny"] if toy else ["model=continuoussr", "model/encoder=hat"]
    model = composed_model(*overrides).to(DEVICE).eval()
    for height, width in [(8, 8)] if toy else [(13, 21), (28, 42), (19, 29)]:
        lr = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0)).to(DEVICE)
        image = model(lr)
        with torch.autocast(DEVICE.type, torch.bfloat16):
            model(lr)
            half = milliseconds(lambda: model(lr))  # noqa: B023
        yield {
            "model": " ".join(overrides),
            "lr": f"{width} x {height}",
            "encode_ms": milliseconds(lambda: model(lr)),  # noqa: B023
            "encode_bf16_ms": half,
            **{f"render_x{scale}_ms": milliseconds(lambda: image.render(scale=scale)) for scale in (4, 48)},  # noqa: B023
        }
