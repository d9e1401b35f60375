"""Times the CPU splatter against the dense reference and a plain loop over bounding boxes, all in one run.

    python benchmarks/splat.py            # minutes; --quick for a rough answer

Writes the table in benchmarks/README.md and benchmarks/results/splat.json. The contenders take turns, so that a slower
spell of the machine hits all of them; each repeats a short job a few times, after one untimed call. Figures are medians of
wall-clock times.
"""

import argparse
import logging
import math
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numba
import torch
from torch import Tensor

from box_loop import backward as box_backward
from box_loop import forward as box_forward
from section import figure, write_results, write_section
from splatsr.splatting import splat
from splatsr.splatting.reference import CUT, splat_exact

PIECE_KERNELS, PIECE_WEIGHTS = 256, 2_000_000
"""The dense reference runs in pieces of so many kernels by as many image rows as keep kernels * pixels below the second
figure: about 64 MB with autograd's copies. Larger pieces are slower."""

DENSE_PIECES = 400
"""Above this many pieces, each repetition times a random sample of them and extrapolates."""

Field = tuple[Tensor, Tensor, Tensor]
"""Means (1, N, 2), Cholesky (1, N, 3), colors (1, N, 3), in output pixels, as `splat` takes them."""


@dataclass(frozen=True)
class Case:
    """A low-resolution size in pixels and the scale it is rendered at."""

    height: int
    width: int
    scale: int

    @property
    def size(self) -> tuple[int, int]:
        return self.height * self.scale, self.width * self.scale

    def __str__(self) -> str:
        return f"{self.width} x {self.height}, x{self.scale}"


CASES = Case(48, 48, 4), Case(48, 48, 16), Case(48, 48, 48), Case(340, 510, 4)


def standard_field(case: Case) -> Field:
    """ContinuousSR's lattice: four kernels per pixel, at the centres of its quarters, mean dictionary shape +- 25 %."""
    draw = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(2.0 * case.height), torch.arange(2.0 * case.width), indexing="ij")
    means = ((torch.stack([x, y], -1) + 0.5) * (case.scale / 2)).reshape(1, -1, 2)
    count = means.shape[1]
    mean_shape = torch.tensor([1.1407, 0.3395, 1.0475]) * (case.scale / 4)
    cholesky = mean_shape * (1 + 0.25 * torch.randn(1, count, 3, generator=draw))
    return means, cholesky, 0.6 * torch.rand(1, count, 3, generator=draw)


def contributing_pairs(field: Field) -> float:
    """Pixels inside the cut, summed over kernels; approximate: the ellipses' areas, borders of the image ignored."""
    return float(2 * math.pi * CUT * (field[1][..., 0] * field[1][..., 2]).abs().sum())


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def steady_seconds(work: Callable[[], object]) -> float:
    """Median of 1 to 15 calls (about 0.1 s), after an untimed one: what the previous contender left in the caches and its
    threads that still spin are not this one's fault."""
    first = seconds(work)
    return statistics.median(seconds(work) for _ in range(max(1, min(15, int(0.1 / first)))))


class Ours:
    """`splatsr.splatting.splat`."""

    def __init__(self, field: Field, size: tuple[int, int], upstream: Tensor) -> None:
        self.field, self.size, self.upstream = field, size, upstream

    def forward(self) -> Tensor:
        with torch.no_grad():
            return splat(*self.field, self.size)

    def gradients(self) -> tuple[Tensor, ...]:
        return self._backward()()

    def _backward(self) -> Callable[[], tuple[Tensor, ...]]:
        leaves = [part.detach().requires_grad_() for part in self.field]
        image = splat(*leaves, self.size)
        return lambda: torch.autograd.grad(image, leaves, self.upstream, retain_graph=True)

    def times(self) -> tuple[float, float]:
        return steady_seconds(self.forward), steady_seconds(self._backward())


class BoxLoop:
    """`box_loop.py`, without the time for converting its channels-last image."""

    def __init__(self, field: Field, size: tuple[int, int], upstream: Tensor) -> None:
        self.field, self.size = [part[0].numpy() for part in field], size
        self.upstream = upstream[0].permute(1, 2, 0).contiguous().numpy()

    def forward(self) -> Tensor:
        return torch.from_numpy(box_forward(*self.field, *self.size)).permute(2, 0, 1)[None]

    def gradients(self) -> tuple[Tensor, ...]:
        return tuple(torch.from_numpy(part)[None] for part in box_backward(*self.field, self.upstream))

    def times(self) -> tuple[float, float]:
        return steady_seconds(self.forward), steady_seconds(self.gradients)


class Dense:
    """`reference.splat_exact` in pieces of kernels by rows; a sample of them where all would take too long."""

    def __init__(self, field: Field, size: tuple[int, int], upstream: Tensor, sample: int) -> None:
        self.field, self.size, self.upstream = field, size, upstream
        count, (height, width) = field[0].shape[1], size
        rows = max(1, PIECE_WEIGHTS // (PIECE_KERNELS * width))
        self.pieces = [
            (slice(first, min(first + PIECE_KERNELS, count)), slice(top, min(top + rows, height)))
            for first in range(0, count, PIECE_KERNELS)
            for top in range(0, height, rows)
        ]
        self.sampled = len(self.pieces) > DENSE_PIECES
        self.sample = sample if self.sampled else len(self.pieces)
        self.random = random.Random(0)

    def times(self) -> tuple[float, float]:
        chosen = self.random.sample(self.pieces, self.sample)
        forward, backward = (sum(parts) for parts in zip(*map(self._piece_times, chosen), strict=True))
        done = sum((kernels.stop - kernels.start) * (rows.stop - rows.start) for kernels, rows in chosen)
        grow = self.field[0].shape[1] * self.size[0] / done
        return forward * grow, backward * grow

    def _piece_times(self, piece: tuple[slice, slice]) -> tuple[float, float]:
        kernels, rows = piece
        size = rows.stop - rows.start, self.size[1]
        means, cholesky, colors = (part[:, kernels].contiguous() for part in self.field)
        means = means - torch.tensor([0.0, rows.start])  # the strip's first row becomes row 0
        with torch.no_grad():
            forward = seconds(lambda: splat_exact(means, cholesky, colors, size))
        leaves = [part.requires_grad_() for part in (means, cholesky, colors)]
        image, upstream = splat_exact(*leaves, size), self.upstream[:, :, rows].contiguous()
        return forward, seconds(lambda: torch.autograd.grad(image, leaves, upstream))


def check_agreement(ours: Ours, box_loop: BoxLoop) -> None:
    """Refuses to time renderers that differ by more than 1e-4 of the norm (a pixel on the cut may fall either way)."""
    pairs = zip((ours.forward(), *ours.gradients()), (box_loop.forward(), *box_loop.gradients()), strict=True)
    for name, (mine, theirs) in zip(("image", "means", "cholesky", "colors"), pairs, strict=True):
        error = float((mine - theirs).norm() / theirs.norm())
        if not error < 1e-4:
            raise SystemExit(f"The two renderers disagree on {name}: {error:.1e} of the norm; expected below 1e-4.")


def measure(case: Case, *, repetitions: int, sample: int) -> list[dict]:
    """Two rows of the table, forward and backward."""
    field = standard_field(case)
    upstream = torch.randn(1, 3, *case.size, generator=torch.Generator().manual_seed(1))
    ours, box_loop = Ours(field, case.size, upstream), BoxLoop(field, case.size, upstream)
    dense = Dense(field, case.size, upstream, sample)
    check_agreement(ours, box_loop)  # compiles too
    turns = []
    for repetition in range(repetitions):  # ours and the box loop take turns at being the first after the dense one
        order = (dense, ours, box_loop) if repetition % 2 else (dense, box_loop, ours)
        times = {contender: contender.times() for contender in order}
        turns.append([times[ours], times[box_loop], times[dense]])
    pairs = contributing_pairs(field)
    table = []
    for index, name in enumerate(("forward", "backward")):
        mine, box, full = (1e3 * statistics.median(turn[who][index] for turn in turns) for who in range(3))
        table.append(
            {
                "field": str(case), "kernels": field[0].shape[1], "pass": name, "pairs": round(pairs),
                "ours_ms": mine, "box_loop_ms": box, "dense_ms": full, "dense_sampled": dense.sampled,
                "box_loop_over_ours": box / mine, "dense_over_ours": full / mine,
                "ours_ns_per_pair": 1e6 * mine / pairs,
            }
        )  # fmt: skip
        logging.info("%s %s: ours %.1f ms, box loop %.1f ms, dense %.0f ms", case, name, mine, box, full)
    return table


def markdown(rows: list[dict], made_by: str) -> str:
    """The README section: how it was made, the table, the footnote."""
    lines = [
        made_by,
        "",
        "| field | pass | ours | box loop | dense | box loop / ours | dense / ours | ours, ns per pair |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        about = "~" if row["dense_sampled"] else ""
        cells = [
            row["field"], row["pass"], figure(row["ours_ms"]), figure(row["box_loop_ms"]),
            about + figure(row["dense_ms"]), figure(row["box_loop_over_ours"]),
            about + figure(row["dense_over_ours"]), figure(row["ours_ns_per_pair"]),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "~ extrapolated: each repetition timed a random sample of the dense reference's pieces."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Times the CPU splatter, the dense reference and a plain box loop; rewrites the README table."
    )
    parser.add_argument("--quick", action="store_true", help="fewer repetitions and smaller samples: a rough answer")
    quick = parser.parse_args().quick
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    threads = min(torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS)
    torch.set_num_threads(threads)
    numba.set_num_threads(threads)
    repetitions, sample = (5, 20) if quick else (15, 60)
    rows = [row for case in CASES for row in measure(case, repetitions=repetitions, sample=sample)]
    made_by = write_results("splat", "python benchmarks/splat.py" + " --quick" * quick, repetitions=repetitions, rows=rows)
    write_section("splat", markdown(rows, f"{made_by}; medians of {repetitions} alternating repetitions, milliseconds."))


if __name__ == "__main__":
    main()
