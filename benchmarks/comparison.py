"""All methods beside each other: conf/experiment/compare at equal processor time, with several seeds.

    python benchmarks/comparison.py --train <folder> <folder> --test <Set5>      # hours; goes on where it was stopped
    python benchmarks/comparison.py ... --methods liif lte                       # some of them; what is there already is kept
    python benchmarks/comparison.py --costs                                      # what they cost; wants an idle machine
    python benchmarks/comparison.py --published                                  # and at the published widths

Every method is trained for trainer.max_epochs of its experiment: the same time of one core (benchmarks/equal_minutes.py), two
trainings at a time. Figures go to docs/results/comparison, tables and pictures to docs/comparison.md.
"""

import argparse
import functools
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from section import HERE, figure, write_section
from splatsr.disk.markdown import markdown_table
from splatsr.pictures.drawing import save_drawing
from splatsr.runs.configuration import compose
from trainings import SECONDS, Training, run_all

DOCS = HERE.parent / "docs"

MEASURED = DOCS / "results" / "comparison"

SCALES = (2, 3, 4, 6, 8, 12)

LOWEST = 3.0
"""dB below bicubic interpolation, at the lower edge of the pictures."""

HIGH, WIDE = 0.16, 5.0
"""Of a name in the picture of time: dB, and a factor."""

NAMES = {
    "continuoussr": "ContinuousSR", "gaussiansr": "GaussianSR", "gaussiansr_per_pixel": "GaussianSR, per pixel", "liif": "LIIF",
    "lte": "LTE", "metasr": "Meta-SR", "srno": "SRNO", "ciaosr": "CiaoSR", "mambasr": "MambaSR", "lit": "LIT", "lmi": "LMI",
    "lmliif": "LM-LIIF", "linf": "LINF", "gsasr": "GSASR", "aliif": "A-LIIF", "itsrn": "ITSRN", "diinn": "DIINN",
}  # fmt: skip

PUBLISHED = MEASURED / "benchmark.json"
"""Of every model at its published width."""

COSTS = (
    *("benchmark.average_time.lr_sizes=[[13,21]]", "benchmark.average_time.seconds=10", "benchmark.repetitions=3"),
    *("benchmark.memory.scales=[4]", "benchmark.one_scale.scales=[4]"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains and measures the comparison; writes docs/comparison.md.")
    parser.add_argument("--train", nargs="+", help="folders of photographs; left out, nothing is trained")
    parser.add_argument("--test", help="a folder of test images")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--methods", nargs="+", choices=list(NAMES), default=list(NAMES), metavar="METHOD")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--costs", action="store_true", help="measure time and memory instead, one method after the other")
    instead.add_argument("--published", action="store_true", help="the same of all models at their published widths")
    arguments = parser.parse_args()
    if arguments.costs:
        for method in arguments.methods:
            measure_cost(method)
    elif arguments.published:
        measure(["benchmark=all"], "published_cost", PUBLISHED)
    elif arguments.train and arguments.test:
        trainings = [training(method, seed) for seed in arguments.seeds for method in arguments.methods]
        common = ["data=folder", f"data.train=[{','.join(arguments.train)}]", "data.workers=0"]
        run_all(trainings, common, ["data=folder", f"data.test={arguments.test}", f"scales=[{','.join(map(str, SCALES))}]"])
    psnr = {method: found for method in NAMES if (found := psnr_of(method))}
    costs = {method: json.loads(path.read_text()) for method in NAMES if (path := cost_path(method)).exists()}
    write_section("psnr", psnr_table(psnr), DOCS / "comparison.md")
    if costs:
        write_section("cost", cost_table(costs), DOCS / "comparison.md")
        draw(psnr, {method: cost["models"] for method, cost in costs.items()}, DOCS / "comparison.png")
    write_section("published", published_table(json.loads(PUBLISHED.read_text())), DOCS / "comparison.md")


def training(method: str, seed: int) -> Training:
    title = f"{method}_{settings_of(method)['trainer']['max_epochs']}epochs_seed{seed}"
    folder, measured = Path("outputs/comparison") / title, MEASURED / f"{title}.json"
    return Training(title, (f"experiment=compare/{method}", f"seed={seed}"), folder, measured)


@functools.cache
def settings_of(method: str) -> dict:
    return compose(f"experiment=compare/{method}")


def finished(method: str) -> list[Training]:
    """Trainings of the experiment as it is now that have been measured."""
    return [one for seed in range(10) if (one := training(method, seed)).measured.exists()]


def psnr_of(method: str) -> list[list[float]]:
    """Of every seed that is there, PSNR-Y at SCALES."""
    measured = [one.psnr() for one in finished(method)]
    return [[values[next(key for key in values if key.endswith(f" x{scale}"))] for scale in SCALES] for values in measured]


def cost_path(method: str) -> Path:
    return MEASURED / f"{method}_cost.json"


def measure_cost(method: str) -> None:
    """Of the experiment's model."""
    measure([f"experiment=compare/{method}"], f"{method}_cost", cost_path(method))


def measure(settings: Sequence[str], name: str, path: Path) -> None:
    """By job=benchmark."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        command = [sys.executable, str(HERE.parent / "run.py"), "job=benchmark", *settings, *COSTS]
        subprocess.run([*command, f"hydra.run.dir={folder}"], check=True, stdout=subprocess.DEVNULL)
        path.write_text((folder / "benchmark.json").read_text())
    print(f"{name}: measured", flush=True)


def psnr_table(psnr: Mapping[str, Sequence[Sequence[float]]]) -> str:
    """Means over the seeds, half the range between them behind; bicubic below."""
    rows = []
    for method, seeds in psnr.items():
        steps, seconds = steps_and_seconds(method)
        rows.append([NAMES[method], steps, seconds, str(len(seeds)), *(_mean(values) for values in zip(*seeds, strict=True))])
    rows.append(["bicubic", "", "", "", *(f"{value:.2f}" for value in bicubic_psnr(next(iter(psnr))))])
    return markdown_table(["method", "steps", "seconds", "seeds", *(f"x{scale}" for scale in SCALES)], rows, text_columns=1)


def bicubic_psnr(method: str) -> list[float]:
    """As measured beside a method."""
    found = json.loads(finished(method)[0].measured.read_text())["sets"]
    return [next(iter(found.values()))[f"x{scale}"]["bicubic_psnr_y"] for scale in SCALES]


def steps_and_seconds(method: str) -> tuple[str, str]:
    """Of a training: its steps, and the mean of the seconds that a core took for it."""
    settings = settings_of(method)
    spent = [json.loads(one.measured.read_text())[SECONDS] for one in finished(method)]
    known = [one for one in spent if one is not None]
    steps = settings["trainer"]["max_epochs"] * settings["data"]["batches_per_epoch"]
    return str(steps), f"{statistics.mean(known):.0f}" if known else ""


def _mean(values: Sequence[float]) -> str:
    spread = f" ± {(max(values) - min(values)) / 2:.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


def cost_table(costs: Mapping[str, Mapping]) -> str:
    rows = []
    for method, cost in costs.items():
        own = next(iter(cost["models"].values()))
        single, memory = own["one_scale"]["x4"], own["memory"]
        rows.append([
            *(NAMES[method], f"{own['parameters'] / 1e6:.2f} M", figure(_average(own)["encode_ms"])),
            *(_rendered(own), figure(single["ms"]), figure(single["multiply_adds"] / 1e9)),
            f"{max(memory['encode_mb'], memory['render_mb_at']['x4']):.0f}",
        ])  # fmt: skip
    headings = ["method", "parameters", "encode ms", "AT ms", "x4 ms", "x4 GMAC", "x4 MB"]
    return f"{_where(next(iter(costs.values())))}\n\n{markdown_table(headings, rows, text_columns=1)}"


def published_table(found: Mapping) -> str:
    models = found["models"]
    yardstick = _average(models["liif"])["average_ms"]
    rows = [
        [
            *(f"`{name}`", f"{own['parameters'] / 1e6:.2f} M", figure(_average(own)["encode_ms"]), _rendered(own)),
            *(figure(yardstick / _average(own)["average_ms"]), figure(own["one_scale"]["x4"]["ms"])),
        ]
        for name, own in models.items()
    ]
    headings = ["model", "parameters", "encode ms", "AT ms", "LIIF's over it", "x4 ms"]
    return f"{_where(found)}\n\n{markdown_table(headings, rows, text_columns=1)}"


def _average(model: Mapping) -> Mapping:
    return model["average_time"][0]


def _rendered(model: Mapping) -> str:
    """The average time; ~ where large scales are interpolated."""
    time = _average(model)
    return f"{'' if len(time['measured']) == len(time['render_ms_at']) else '~'}{figure(time['average_ms'])}"


def _where(found: Mapping) -> str:
    machine = found["machine"]
    return f"{machine['device']}, {machine['cores']} cores, {machine['threads']} threads, torch {machine['torch']}."


def draw(psnr: Mapping[str, Sequence[Sequence[float]]], costs: Mapping[str, Mapping], path: Path) -> None:
    """PSNR against scale, as the difference from bicubic interpolation, and at x4 against the average time."""
    canvas = Figure(figsize=(12.5, 5), layout="constrained")
    by_scale, by_time = canvas.subplots(1, 2)
    bicubic = bicubic_psnr(next(iter(psnr)))
    points = {}
    for index, (method, seeds) in enumerate(psnr.items()):
        means, deviations = ([of(values) for values in zip(*seeds, strict=True)] for of in (statistics.mean, statistics.pstdev))
        style = {"color": f"C{index % 10}", "marker": "osD^"[index // 10], "markersize": 5, "capsize": 2}
        above = [one - other for one, other in zip(means, bicubic, strict=True)]
        by_scale.errorbar(SCALES, above, deviations, label=NAMES[method], **style)
        if method in costs:
            time = next(iter(costs[method].values()))["average_time"][0]["average_ms"]
            at_four = SCALES.index(4)
            by_time.errorbar(time, means[at_four], deviations[at_four], **style)
            points[NAMES[method]] = time, means[at_four]
    _name(by_time, {name: place for name, place in points.items() if place[1] > bicubic[SCALES.index(4)] - LOWEST})
    by_scale.set_ylim(bottom=-LOWEST)
    by_time.set_ylim(bottom=bicubic[SCALES.index(4)] - LOWEST)
    by_scale.axhline(0, color="black", linewidth=0.8, linestyle="--")
    _label(by_scale, "PSNR-Y on Set5 beyond bicubic", "scale", "dB")
    by_scale.set_xscale("log")
    by_scale.set_xticks(SCALES, [f"x{scale}" for scale in SCALES])
    by_scale.minorticks_off()
    _label(by_time, "PSNR-Y on Set5 at x4 against time", "average time of an image, x4 to x48, LR 21x13, ms", "dB")
    times = [time for time, _ in points.values()]
    by_time.set(xscale="log", xlim=(min(times) / 2, 6 * max(times)))
    canvas.legend(*by_scale.get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    save_drawing(canvas, path, dpi=110)


def _name(axis: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    """Names to the right of their points, from the highest down; one that another would cover stands below it."""
    placed: list[tuple[float, float]] = []
    for name, (time, psnr) in sorted(points.items(), key=lambda one: -one[1][1]):
        for other, height in placed:
            if 1 / WIDE < time / other < WIDE:
                psnr = min(psnr, height - HIGH)
        placed.append((time, psnr))
        axis.text(1.12 * time, psnr, name, fontsize=8, verticalalignment="center")


def _label(axis: Axes, title: str, x: str, y: str) -> None:
    axis.set_title(title, fontsize=10)
    axis.set(xlabel=x, ylabel=y)
    axis.grid(alpha=0.3)


if __name__ == "__main__":
    main()
