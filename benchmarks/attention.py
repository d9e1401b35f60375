"""Times the published-size SwinIR encoder against the same network with attention written plainly, in one run.

    python benchmarks/attention.py        # about a minute; --quick for a rough answer

Writes its table in benchmarks/README.md and benchmarks/results/attention.json. Both share their layers, take turns, and
must agree to 1e-4 first. Figures are medians of wall-clock times, after one untimed call.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from composed_model import composed_model
from plain_attention import PlainSwinIR
from section import figure, write_results, write_section
from splatsr.disk.markdown import markdown_table
from splatsr.encoders.swinir import SwinIR
from splatsr.image.precision import computing_in


@dataclass(frozen=True)
class Case:
    """An LR size in pixels; with gradients (forward and backward, drop path on) or without."""

    height: int
    width: int
    training: bool


CASES = Case(64, 64, False), Case(48, 72, False), Case(64, 64, True)


def run(network: Callable[[Tensor], Tensor], encoder: SwinIR, lr: Tensor, training: bool) -> Tensor:
    """The features; in training also the gradients, left in the weights that both networks share."""
    if not training:
        with torch.no_grad():
            return network(lr)
    encoder.zero_grad()
    torch.manual_seed(1)  # both drop the same paths
    features = network(lr)
    features.abs().mean().backward()
    return features.detach()


def check_agreement(ours: SwinIR, plain: PlainSwinIR, lr: Tensor, training: bool) -> float:
    """The largest difference of the features, in training also that of all gradients over their norm; refuses 1e-4 and more."""
    results = []
    for network in (ours, plain):
        features = run(network, ours, lr, training)
        gradients = [parameter.grad.flatten() for parameter in ours.parameters()] if training else [torch.ones(1)]
        results.append((features, torch.cat(gradients)))
    (features, gradient), (other_features, other_gradient) = results
    error = max(
        float((features - other_features).abs().max()), float((gradient - other_gradient).norm() / other_gradient.norm())
    )
    if not error < 1e-4:
        raise SystemExit(f"The two networks differ by {error:.1e}; expected less than 1e-4.")
    return error


def measure(case: Case, ours: SwinIR, *, repetitions: int) -> dict:
    """One row of the table."""
    plain = PlainSwinIR(ours.train(case.training))
    lr = torch.rand(1, 3, case.height, case.width, generator=torch.Generator().manual_seed(0))
    error = check_agreement(ours, plain, lr, case.training)  # the untimed call too
    turns = [("ours", ours, torch.float32), ("plain", plain, torch.float32), ("bf16", ours, torch.bfloat16)]
    times: dict[str, list[float]] = {name: [] for name, *_ in turns}
    for repetition in range(repetitions):
        for name, network, precision in turns if repetition % 2 else reversed(turns):
            start = time.perf_counter()
            with computing_in(precision, lr.device):
                run(network, ours, lr, case.training)
            times[name].append(1000 * (time.perf_counter() - start))
    mine, theirs, half = (statistics.median(times[name]) for name in ("ours", "plain", "bf16"))
    return {
        "lr": [case.height, case.width], "pass": "forward and backward" if case.training else "forward",
        "repetitions": repetitions,
        "ours_ms": mine, "plain_ms": theirs, "plain_over_ours": theirs / mine, "largest_difference": error,
        "bf16_ms": half,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Times SwinIR's attention against a plain writing; rewrites the README table.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: a rough answer")
    quick = parser.parse_args().quick
    encoder = composed_model("model=continuoussr", "model/encoder=swinir").encoder
    rows = []
    for case in CASES:
        rows.append(measure(case, encoder, repetitions=3 if quick else 5 if case.training else 15))
        print(rows[-1])
    made_by = write_results("attention", "python benchmarks/attention.py" + " --quick" * quick, rows=rows)
    headings = (
        "LR",
        "pass",
        "ours, ms",
        "plain, ms",
        "plain / ours",
        "largest difference",
        "ours in bf16, ms",
    )
    cells = [
        [
            f"{row['lr'][1]} x {row['lr'][0]}", row["pass"], figure(row["ours_ms"]), figure(row["plain_ms"]),
            figure(row["plain_over_ours"]), f"{row['largest_difference']:.0e}", figure(row["bf16_ms"]),
        ]
        for row in rows
    ]  # fmt: skip
    text = f"{made_by}; medians of {rows[0]['repetitions']} turns ({rows[-1]['repetitions']} with backward)."
    write_section("attention", f"{text}\n\n{markdown_table(headings, cells, text_columns=2)}")


if __name__ == "__main__":
    main()
