"""Times the GPU splatter against gsplat's tile lists, dense torch and the bandwidth of a copy, all in one run.

    python benchmarks/gpu.py        # needs a CUDA device; without one it says so and stops

Writes the table in benchmarks/README.md and benchmarks/results/gpu.json. Times are medians of Triton's `do_bench`, which
empties the cache between calls; "graph" is the forward pass replayed as a CUDA graph, without the cost of launching.
"""

import argparse
import datetime
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from section import figure, write_section
from splat import Case, standard_field
from splatsr.splatting import splat
from splatsr.splatting.reference import splat_exact

HERE = Path(__file__).parent

CASES = [(1, Case(48, 48, 4)), (16, Case(64, 64, 4)), (1, Case(48, 48, 16)), (1, Case(48, 48, 48)), (1, Case(340, 510, 2)),
         (1, Case(340, 510, 4))]  # fmt: skip
"""Batch and image; the second is a training batch of 256-pixel crops."""

DENSE_WEIGHTS = 400_000_000
"""The dense reference takes part where kernels * pixels, over the batch, stay below this: a few GB with its temporaries."""

COPY_BYTES = 1 << 28


def milliseconds(work: Callable[[], object]) -> float:
    from triton.testing import do_bench

    return do_bench(work, return_mode="median")


def graph_milliseconds(work: Callable[[], object]) -> float:
    from triton.testing import do_bench_cudagraph

    return do_bench_cudagraph(work, return_mode="median")


def tile_lists() -> Callable[..., Tensor] | None:
    """The renderer on gsplat's tile lists, or None where gsplat or its compiler is missing (it says which)."""
    from tile_lists import splat_lists

    try:
        from gsplat import isect_offset_encode, isect_tiles

        field = [part.cuda() for part in standard_field(Case(4, 4, 4))]
        splat_lists(*field, (16, 16), isect_tiles, isect_offset_encode)  # compiles gsplat's sources, for minutes
    except Exception as error:  # noqa: BLE001 - without nvcc gsplat fails in ways of its own
        logging.info("gsplat is left out: %s: %s", type(error).__name__, error)
        return None
    return lambda *field_and_size: splat_lists(*field_and_size, isect_tiles, isect_offset_encode)


def copy_bandwidth() -> float:
    """Bytes per millisecond that a copy reads and writes."""
    source = torch.empty(COPY_BYTES, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return 2 * COPY_BYTES / milliseconds(lambda: target.copy_(source))


def check_agreement(name: str, mine: Tensor, theirs: Tensor) -> None:
    """Refuses to time renderers that differ by more than 1e-4 of the norm (a pixel on the cut may fall either way)."""
    error = float((mine - theirs).norm() / theirs.norm())
    if not error < 1e-4:
        raise SystemExit(f"The renderers disagree on {name}: {error:.1e} of the norm; expected below 1e-4.")


def measure(batch: int, case: Case, bandwidth: float, lists: Callable[..., Tensor] | None) -> dict:
    """One row of the table, times in milliseconds; None where a contender does not take part."""
    on_cpu = [part.expand(batch, -1, -1).contiguous() for part in standard_field(case)]
    leaves = [part.cuda().requires_grad_() for part in on_cpu]
    field = [leaf.detach() for leaf in leaves]
    upstream = torch.randn(batch, 3, *case.size, generator=torch.Generator().manual_seed(1)).cuda()
    image = splat(*leaves, case.size)
    gradients = torch.autograd.grad(image, leaves, upstream, retain_graph=True)
    cpu_leaves = [part.requires_grad_() for part in on_cpu]
    cpu_image = splat(*cpu_leaves, case.size)
    cpu_gradients = torch.autograd.grad(cpu_image, cpu_leaves, upstream.cpu())
    for name, mine, theirs in zip(
        ("image", "means", "cholesky", "colors"), (image, *gradients), (cpu_image, *cpu_gradients), strict=True
    ):
        check_agreement(name, mine.detach().cpu(), theirs.detach())
    if lists:
        check_agreement("the image (gsplat's lists)", lists(*field, case.size), image.detach())
    dense = batch * field[0].shape[1] * case.size[0] * case.size[1] <= DENSE_WEIGHTS
    inputs, pixels = sum(part.nbytes for part in field), upstream.nbytes
    row = {
        "field": f"{batch} of {case}", "kernels": batch * field[0].shape[1],
        "forward_ms": milliseconds(lambda: splat(*field, case.size)),
        "forward_graph_ms": graph_milliseconds(lambda: splat(*field, case.size)),
        "backward_ms": milliseconds(lambda: torch.autograd.grad(image, leaves, upstream, retain_graph=True)),
        "tile_lists_forward_ms": milliseconds(lambda: lists(*field, case.size)) if lists else None,
        "dense_forward_ms": milliseconds(lambda: splat_exact(*field, case.size)) if dense else None,
        "forward_copy_ms": (inputs + pixels) / bandwidth,
        "backward_copy_ms": (2 * inputs + pixels) / bandwidth,
    }  # fmt: skip
    logging.info("%s", row)
    return row


def markdown(results: dict) -> str:
    """The README section: how it was made, the table, the footnote."""
    lines = [
        f"Made by `python benchmarks/gpu.py` on {results['date']}: {results['device']}, torch {results['torch']}, Triton "
        f"{results['triton']}, gsplat {results['gsplat']}, copy {results['copy_gb_per_s']:.0f} GB/s; medians, milliseconds.",
        "",
        "| field | forward | as a graph | gsplat's lists | dense | its bytes copied | backward | its bytes copied |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    columns = (
        "forward_ms", "forward_graph_ms", "tile_lists_forward_ms", "dense_forward_ms", "forward_copy_ms", "backward_ms",
        "backward_copy_ms",
    )  # fmt: skip
    for row in results["rows"]:
        cells = [row["field"], *("-" if row[name] is None else figure(row[name]) for name in columns)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    argparse.ArgumentParser(description="Times the GPU splatter; rewrites the README table. Needs a CUDA device.").parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if not torch.cuda.is_available():
        sys.stdout.write("benchmarks/gpu.py needs a CUDA device; torch sees none here, so nothing was measured.\n")
        return
    import triton

    lists, bandwidth = tile_lists(), copy_bandwidth()
    gsplat = "left out"
    if lists:
        from gsplat import __version__ as gsplat
    results = {
        "date": datetime.date.today().isoformat(), "device": torch.cuda.get_device_name(),
        "torch": torch.__version__, "triton": triton.__version__, "gsplat": gsplat, "copy_gb_per_s": bandwidth / 1e6,
        "rows": [measure(batch, case, bandwidth, lists) for batch, case in CASES],
    }  # fmt: skip
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "gpu.json").write_text(json.dumps(results, indent=2) + "\n")
    write_section("gpu", markdown(results))


if __name__ == "__main__":
    main()
