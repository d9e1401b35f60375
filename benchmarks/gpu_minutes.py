"""Everything that only a GPU can show, in as many minutes as there are: tests, correctness, speed, training.

    python benchmarks/gpu_minutes.py --minutes 5
    python benchmarks/gpu_minutes.py --minutes 5 --parts tests rendering    # some of it
    python benchmarks/gpu_minutes.py --toy                                  # without a GPU: does the script run?
    python benchmarks/gpu_minutes.py --write                                # the tables from results/gpu_minutes.json

The parts come in the order of their worth, and each row is in benchmarks/results/gpu_minutes.json once it is measured: the
script may be cut off at any moment. A part that fails says why and does not hold up the next; what was measured of it
earlier stays, with its date and machine, until it is measured to its end. The tables stand in benchmarks/README.md
(rendering) and docs/gpu.md (training).
"""

import argparse
import datetime
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from gpu_encoder import encoder_rates
from gpu_processes import two_processes
from gpu_rendering import DEVICE, gsplat_times, published_times, render_times, scale_times
from gpu_tests import run_gsplat_tests, run_tests
from gpu_training import archive_rate, compile_gain, loader_rate, loss_curves, step_times
from section import HERE
from splatsr.runs.machine import describe_machine

RESULTS = HERE / "results" / "gpu_minutes.json"


PARTS: dict[str, Callable[..., Iterator[dict]]] = {
    "tests": run_tests,
    "rendering": render_times,
    "scales": scale_times,
    "published": published_times,
    "precision": loss_curves,
    "training": step_times,
    "encoders": encoder_rates,
    "loader": loader_rate,
    "archives": archive_rate,
    "processes": two_processes,
    "gsplat_tests": run_gsplat_tests,
    "gsplat": gsplat_times,
    "compile": compile_gain,
}
"""Called with whether toy sizes are wanted."""

TIMED = ("tests", "gsplat_tests")
"""Parts of one long row: they are told the seconds that are left, too."""


def packages() -> dict[str, str]:
    """Versions of what renders."""
    found = {}
    for name in ("triton", "gsplat"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def measure(names: list[str], minutes: float, toy: bool, file: Path) -> None:
    """Runs the parts until the minutes are over; rewrites the file after every row.

    A part's rows take the place of earlier ones once the last has come. Until then, and where the part fails or is cut short,
    they stand beside them as "unfinished": of several such attempts the latest that came as far as those before.
    """
    end = time.monotonic() + 60 * minutes
    earlier = json.loads(file.read_text()) if file.exists() else {"parts": {}, "unfinished": {}}
    command = "python benchmarks/gpu_minutes.py" + " --toy" * toy
    record = {"command": command, "parts": earlier["parts"], "unfinished": earlier["unfinished"], "failed": {}}
    machine = {**describe_machine(DEVICE), **packages()}
    for name in names:
        start = time.monotonic()
        if start > end:
            print(f"no time left for {name}")
            continue
        made = {"date": datetime.date.today().isoformat(), "machine": machine, "rows": []}
        try:
            for row in PARTS[name](toy, end - start) if name in TIMED else PARTS[name](toy):
                made["rows"].append(row)
                print(f"{name}: {json.dumps(row)}", flush=True)
                if len(made["rows"]) >= len(record["unfinished"].get(name, made)["rows"]):
                    record["unfinished"][name] = made
                _write(file, record)
                if time.monotonic() > end:
                    print(f"{name} is cut short")
                    break
            else:
                record["parts"][name] = made
                record["unfinished"].pop(name, None)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other parts are worth having
            record["failed"][name] = f"{type(error).__name__}: {error}"
            traceback.print_exc()
        print(f"{name} took {time.monotonic() - start:.0f} s", flush=True)
        if DEVICE.type == "cuda":
            torch.cuda.empty_cache()
        _write(file, record)


def _write(file: Path, record: dict) -> None:
    file.parent.mkdir(exist_ok=True)
    beside = file.with_suffix(".part")
    beside.write_text(json.dumps(record, indent=2) + "\n")
    os.replace(beside, file)


def main() -> None:
    parser = argparse.ArgumentParser(description="Everything that only a GPU can show.")
    parser.add_argument("--minutes", type=float, default=5, help="no row is begun after them")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--toy", action="store_true", help="tiny cases, on the CPU too; writes a file of its own, no tables")
    parser.add_argument("--write", action="store_true", help="measures nothing: rewrites the tables")
    arguments = parser.parse_args()
    if arguments.write:
        from gpu_tables import write_tables

        write_tables(json.loads(RESULTS.read_text()))
        return
    if DEVICE.type != "cuda" and not arguments.toy:
        sys.stdout.write("gpu_minutes.py needs a CUDA device; torch sees none here, so nothing was measured (see --toy).\n")
        return
    measure(arguments.parts, arguments.minutes, arguments.toy, Path("gpu_toy.json") if arguments.toy else RESULTS)


if __name__ == "__main__":
    main()
