"""Times the CPU splatter over all whole scales from x4 to x48 against torch's own antialiased bicubic interpolation to the
same sizes, and measures its memory, its threads and how far it is from its own arithmetic, all in one run.

    python benchmarks/scales.py           # minutes; --quick for every fourth scale

Writes its section of benchmarks/README.md and benchmarks/results/scales.json. The contenders take turns. Linux only: the
peak of the resident memory is read from /proc.
"""

import argparse
import ctypes
import logging
import re
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from numba import njit

from section import figure, write_results, write_section
from splat import Case, contributing_pairs, seconds, standard_field, steady_seconds
from splatsr.simd.lanes import LANES
from splatsr.splatting import splat
from splatsr.splatting.vector_code import add_lanes

LR_SIZES = (13, 21), (48, 48)
"""Height and width in low-resolution pixels."""

REPETITIONS = 5


@njit(nogil=True)
def accumulate(row, colors, kernels, sharpness):
    """`kernels` times the innermost loop for single rows alone, over pixels that stay in the cache, all inside the cut."""
    width = row.shape[0] // 3
    for _ in range(kernels):
        for x in range(0, width, LANES):
            start = np.float32(x - width // 2)
            add_lanes(row, 3 * x, colors, 0, 3, start, sharpness, np.float32(0.01))


def arithmetic_ns() -> float:
    """Nanoseconds per pixel and kernel on one core: exponential, cut and three channels, nothing else."""
    row, colors = np.zeros(3 * 256, np.float32), np.array([0.1, 0.2, 0.3], np.float32)
    kernels = 20_000
    accumulate(row, colors, 1, np.float32(1e-3))
    best = min(seconds(lambda: accumulate(row, colors, kernels, np.float32(1e-3))) for _ in range(10))
    return 1e9 * best / (256 * kernels)


def peak_beyond_output(case: Case) -> float:
    """MiB of resident memory that one rendering adds at its peak, less the output image."""
    field = standard_field(case)
    splat(*field, case.size)
    ctypes.CDLL(None).malloc_trim(0)  # what earlier calls have freed must count again
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _resident("VmRSS")
    image = splat(*field, case.size)
    return (_resident("VmHWM") - before) / 1024 - image.numel() * 4 / 2**20


def _resident(entry: str) -> int:
    return int(re.search(rf"{entry}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])


def turns(case: Case) -> tuple[float, float]:
    """Medians in milliseconds: (our rendering, torch's bicubic interpolation). They take turns of up to 15 calls: for some
    milliseconds after a call of torch's its threads spin, and take a core from whoever is next."""
    field, lr = standard_field(case), torch.rand(1, 3, case.height, case.width)

    def ours() -> object:
        return splat(*field, case.size)

    def bicubic() -> object:
        return torch.nn.functional.interpolate(lr, size=case.size, mode="bicubic", antialias=True)

    pairs = [(steady_seconds(ours), steady_seconds(bicubic)) for _ in range(REPETITIONS)]
    return tuple(1e3 * statistics.median(times) for times in zip(*pairs, strict=True))


def thread_gain(case: Case) -> tuple[float, float]:
    """(forward, backward) time on one thread over the time on two, medians of alternating runs."""
    field = standard_field(case)
    leaves = [part.requires_grad_() for part in field]
    image = splat(*leaves, case.size)
    upstream = torch.randn_like(image)
    times: dict[tuple[int, str], list[float]] = {}
    threads = torch.get_num_threads()
    for _ in range(15):
        for count in (1, 2):
            torch.set_num_threads(count)
            with torch.no_grad():
                times.setdefault((count, "forward"), []).append(seconds(lambda: splat(*field, case.size)))
            work = seconds(lambda: torch.autograd.grad(image, leaves, upstream, retain_graph=True))
            times.setdefault((count, "backward"), []).append(work)
    torch.set_num_threads(threads)
    gain = [statistics.median(times[1, name]) / statistics.median(times[2, name]) for name in ("forward", "backward")]
    return gain[0], gain[1]


def measure_size(height: int, width: int, scales: range) -> dict:
    """One row of the table."""
    rows = []
    for scale in scales:
        case = Case(height, width, scale)
        ours, bicubic = turns(case)
        rows.append(
            {"scale": scale, "ours_ms": ours, "bicubic_ms": bicubic, "pairs": round(contributing_pairs(standard_field(case)))}
        )
        logging.info("%s: ours %.2f ms, bicubic %.2f ms", case, ours, bicubic)
    ours, bicubic = (statistics.mean(row[name] for row in rows) for name in ("ours_ms", "bicubic_ms"))
    return {
        "lr": f"{width} x {height}", "mean_ours_ms": ours, "mean_bicubic_ms": bicubic, "ratio_of_means": ours / bicubic,
        "mean_ratio": statistics.mean(row["ours_ms"] / row["bicubic_ms"] for row in rows),
        "peak_mib": max(peak_beyond_output(Case(height, width, scale)) for scale in scales),
        "ns_per_pair": {f"x{row['scale']}": 1e6 * row["ours_ms"] / row["pairs"] for row in rows},
        "scales": rows,
    }  # fmt: skip


def markdown(results: dict, made_by: str, threads: int) -> str:
    lines = [
        f"{made_by}; medians of {REPETITIONS} alternating turns of up to 15 calls at every scale, then means over the scales.",
        "",
        "| low-resolution image | ours, ms | bicubic, ms | ours / bicubic | mean of the ratios | memory, MiB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in results["sizes"]:
        cells = [
            row["lr"], figure(row["mean_ours_ms"]), figure(row["mean_bicubic_ms"]), figure(row["ratio_of_means"]),
            figure(row["mean_ratio"]), figure(row["peak_mib"]),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    pairs = results["sizes"][-1]["ns_per_pair"]
    shown = ", ".join(f"{figure(threads * pairs[name])} at {name}" for name in ("x4", "x16", "x48"))
    forward, backward = results["thread_gain"]
    lines += [
        "",
        "Arithmetic alone (exponential, cut, three channels, on a row in the cache) takes "
        f"{figure(results['arithmetic_ns'])} ns per pixel and kernel on one core. Rendering the {results['sizes'][-1]['lr']} "
        f"image takes, per contributing pair and core, {shown} ns: the difference is lanes outside the cut, branches, memory "
        "and, at small scales, what every kernel and every call cost.",
        "",
        f"Two threads against one at 48 x 48, x16: forward {figure(forward)} times as fast, backward {figure(backward)} times.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Times the CPU splatter over the scales x4 to x48; rewrites its README section."
    )
    parser.add_argument("--quick", action="store_true", help="every fourth scale only")
    quick = parser.parse_args().quick
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    threads = min(2, torch.get_num_threads())
    torch.set_num_threads(threads)
    scales = range(4, 49, 4 if quick else 1)
    started = time.perf_counter()
    results = {
        "arithmetic_ns": arithmetic_ns(),
        "thread_gain": thread_gain(Case(48, 48, 16)),
        "sizes": [measure_size(*size, scales) for size in LR_SIZES],
    }
    logging.info("%.0f s", time.perf_counter() - started)
    made_by = write_results("scales", "python benchmarks/scales.py" + " --quick" * quick, **results)
    write_section("scales", markdown(results, made_by, threads))


if __name__ == "__main__":
    main()
