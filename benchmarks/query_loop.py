"""Times LIIF's decoder against its published query loop, written down as it is published, in one run.

    python benchmarks/query_loop.py       # minutes; --quick for a rough answer

Both get the same features and the same weights; the encoder, which is the same, is not timed. The run stops unless both give
the same values. Writes its section of benchmarks/README.md and benchmarks/results/query_loop.json. The contenders take turns;
figures are medians of wall-clock times.
"""

import argparse
import copy
import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample, unfold

from section import figure, write_results, write_section
from splatsr.disk.markdown import markdown_table
from splatsr.models.liif import LIIF

CHANNELS, HIDDEN = 64, [256, 256, 256, 256]
QUERIES_AT_A_TIME = 30_000
"""The published evaluation's chunk."""


class Features(nn.Module):
    """Features of random numbers in an encoder's place; in training they get gradients, as an encoder's do."""

    upscale, out_channels = 1, CHANNELS

    def __init__(self, batch: int, height: int, width: int) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(1)
        self.features = nn.Parameter(torch.randn(batch, CHANNELS, height, width, generator=draw))

    def forward(self, _: Tensor) -> Tensor:
        return self.features


def centres(height: int, width: int) -> Tensor:
    """(height, width, 2): pixel centres in [-1, 1], vertical first."""
    axes = [(-1 + 1 / n) + (2 / n) * torch.arange(n).float() for n in (height, width)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def published_query(features: Tensor, imnet: nn.Module, coordinates: Tensor, cell: Tensor) -> Tensor:
    """One call of the published loop: unfolded features, the LR centres, four fetches, four calls of the whole MLP.

    Features (B, C, h, w); coordinates and cell (B, Q, 2); RGB (B, Q, 3) in [-1, 1].
    """
    batch, _, h, w = features.shape
    unfolded = unfold(features, 3, padding=1).view(batch, -1, h, w)
    lr_centres = centres(h, w).permute(2, 0, 1)[None].expand(batch, 2, h, w)
    answers, areas = [], []
    for vertical in (-1, 1):
        for horizontal in (-1, 1):
            moved = coordinates.clone()
            moved[..., 0] += vertical / h + 1e-6
            moved[..., 1] += horizontal / w + 1e-6
            points = moved.clamp(-1 + 1e-6, 1 - 1e-6).flip(-1).unsqueeze(1)
            fetched = grid_sample(unfolded, points, mode="nearest", align_corners=False)[:, :, 0].permute(0, 2, 1)
            centre = grid_sample(lr_centres, points, mode="nearest", align_corners=False)[:, :, 0].permute(0, 2, 1)
            offset = coordinates - centre
            offset[..., 0] *= h
            offset[..., 1] *= w
            scaled_cell = cell.clone()
            scaled_cell[..., 0] *= h
            scaled_cell[..., 1] *= w
            inputs = torch.cat([fetched, offset, scaled_cell], dim=-1)
            answers.append(imnet(inputs.view(-1, inputs.shape[-1])).view(batch, -1, 3))
            areas.append((offset[..., 0] * offset[..., 1]).abs() + 1e-9)
    total = torch.stack(areas).sum(dim=0)
    return sum(answer * (areas[3 - k] / total).unsqueeze(-1) for k, answer in enumerate(answers))


@dataclass(frozen=True)
class Case:
    """A batch of square LR images; rendered at `scale`, or trained on `samples` pixels of each."""

    batch: int
    side: int
    scale: int
    samples: int | None = None

    def __str__(self) -> str:
        if self.samples:
            return f"training step: {self.batch} crops of {self.side} x {self.side}, {self.samples} pixels each"
        return f"render: {self.side} x {self.side}, x{self.scale}"


CASES = Case(1, 48, 4), Case(1, 128, 2), Case(16, 48, 4, samples=2304)


class Contender:
    """A model, its input and its queries: whole images without gradients, or samples with them."""

    def __init__(self, model: LIIF, case: Case) -> None:
        self.model, self.case = model, case
        self.lr = torch.zeros(case.batch, 3, case.side, case.side)
        self.hr_side = case.side * case.scale
        grid = centres(self.hr_side, self.hr_side).view(-1, 2)
        if case.samples:
            draw = torch.Generator().manual_seed(2)
            chosen = [torch.randperm(len(grid), generator=draw)[: case.samples] for _ in range(case.batch)]
            self.coordinates = torch.stack([grid[indices] for indices in chosen])
        else:
            self.coordinates = grid.expand(case.batch, -1, -1)
        self.cell = torch.full((case.batch, 2), 2 / self.hr_side)

    def run(self) -> Tensor:
        """RGB (B, Q, 3) in [-1, 1] without gradients, or the features' gradient of a loss on the samples."""
        if not self.case.samples:
            with torch.inference_mode():
                return self.render()
        self.model.zero_grad(set_to_none=True)
        self.query().square().sum().backward()
        return self.model.encoder.features.grad


class Ours(Contender):
    """`splatsr.models.liif.LIIF`."""

    def render(self) -> Tensor:
        return 2 * self.model(self.lr).render(scale=self.case.scale).flatten(2).mT - 1

    def query(self) -> Tensor:
        return 2 * self.model(self.lr).query(self.coordinates, self.cell) - 1


class Published(Contender):
    """`published_query`, in chunks where the published evaluation has them."""

    def render(self) -> Tensor:
        features = self.model.encoder(self.lr)
        cell = self.cell[:, None].expand_as(self.coordinates)
        chunks = zip(*(part.split(QUERIES_AT_A_TIME, dim=1) for part in (self.coordinates, cell)), strict=True)
        return torch.cat([published_query(features, self.model.imnet, *chunk) for chunk in chunks], dim=1)

    def query(self) -> Tensor:
        cell = self.cell[:, None].expand_as(self.coordinates)
        return published_query(self.model.encoder(self.lr), self.model.imnet, self.coordinates, cell)


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def check_agreement(case: Case, model: LIIF) -> float:
    """The largest difference over the largest value; refuses 1e-5 and more.

    Gradients are compared with a softplus in the place of every ReLU: of millions of ReLUs a few are so near their kink that
    rounding alone decides whether they let a gradient through.
    """
    if case.samples:
        model = copy.deepcopy(model)
        model.imnet = nn.Sequential(*(nn.Softplus() if isinstance(layer, nn.ReLU) else layer for layer in model.imnet))
    mine, theirs = Ours(model, case).run().clone(), Published(model, case).run()  # clone: a gradient's memory is used again
    error = float((mine - theirs).abs().max() / theirs.abs().max())
    if not error < 1e-5:
        raise SystemExit(f"{case}: the two differ by {error:.1e} of the largest value; expected below 1e-5.")
    return error


def measure(case: Case, repetitions: int) -> dict:
    """One row of the table."""
    torch.manual_seed(0)
    model = LIIF(encoder=Features(case.batch, case.side, case.side), hidden=HIDDEN).eval()
    error = check_agreement(case, model)
    ours, published = Ours(model, case), Published(model, case)
    for contender in (ours, published):
        contender.run()  # untimed
    turns = []
    for repetition in range(repetitions):
        order = (ours, published) if repetition % 2 else (published, ours)
        times = {contender: seconds(contender.run) for contender in order}
        turns.append((times[ours], times[published]))
    mine, theirs = (1e3 * statistics.median(turn[who] for turn in turns) for who in range(2))
    logging.info("%s: ours %.1f ms, published loop %.1f ms, largest relative difference %.1e", case, mine, theirs, error)
    return {
        "case": str(case), "ours_ms": mine, "published_ms": theirs, "ours_over_published": mine / theirs,
        "largest_difference": error,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Times LIIF's decoder against its published query loop.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: a rough answer")
    quick = parser.parse_args().quick
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    repetitions = 3 if quick else 9
    rows = [measure(case, repetitions) for case in CASES]
    made = write_results(
        "query_loop",
        "python benchmarks/query_loop.py" + (" --quick" if quick else ""),
        repetitions=repetitions,
        rows=rows,
    )
    headings = ["LIIF's decoder", "ours", "published loop", "ours / published", "largest difference"]
    columns = ("ours_ms", "published_ms", "ours_over_published")
    cells = [[row["case"], *(figure(row[key]) for key in columns), f"{row['largest_difference']:.0e}"] for row in rows]
    text = f"{made}; medians of {repetitions} alternating repetitions, milliseconds."
    write_section("query_loop", f"{text}\n\n{markdown_table(headings, cells, text_columns=1)}")


if __name__ == "__main__":
    main()
