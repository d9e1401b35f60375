"""Everything that only a GPU can show, in as many minutes as there are: tests, correctness, speed, training.

    python benchmarks/gpu_minutes.py --minutes 5
    python benchmarks/gpu_minutes.py --minutes 5 --parts tests rendering    # some of it
    python benchmarks/gpu_minutes.py --toy                                  # without a GPU: does the script run?
    python benchmarks/gpu_minutes.py --write                                # the tables from results/gpu_minutes.json

The parts come in the order of their worth, and each row is in benchmarks/results/gpu_minutes.json once it is measured: the
script may be cut off at any moment. A part that fails says why and does not hold up the next. The tables stand in
benchmarks/README.md (rendering) and docs/gpu.md (training).
"""

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from gpu_encoder import encoder_rates
from gpu_processes import two_processes
from gpu_rendering import DEVICE, gsplat_times, published_times, render_times, scale_times
from gpu_training import archive_rate, compile_gain, loader_rate, loss_curves, step_times
from section import HERE
from splatsr.runs.machine import describe_machine

RESULTS = HERE / "results" / "gpu_minutes.json"


def run_tests(toy: bool) -> Iterator[dict]:
    """The marked tests, and the renderer's small cases."""
    pattern = "test_gpu.py" if toy else "test_gpu*.py"
    yield _tested(sorted((HERE.parent / "tests/splatting").glob(pattern)), ["-k", "interpreter"] if toy else [])


def run_gsplat_tests(_: bool) -> Iterator[dict]:
    """Those of gsplat's renderer; gsplat is compiled first, for minutes."""
    yield _tested([HERE.parent / "tests/splatting/test_gsplat_device.py"], [])


def _tested(files: list[Path], only: list[str]) -> dict:
    """How many passed, and the names of those that failed."""
    names = [str(path.relative_to(HERE.parent)) for path in files]
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "--import-mode=importlib", "-p", "no:cacheprovider"]
    log = Path(tempfile.gettempdir()) / "gpu_minutes_tests.log"  # is there also where the script is cut off
    with log.open("w") as file:
        arguments = ["-o", "filterwarnings=default", "-rfE", *names, *only]
        code = subprocess.call(command + arguments, stdout=file, stderr=subprocess.STDOUT, cwd=HERE.parent)
    said = log.read_text()
    counts = {what: int(count) for count, what in re.findall(r"(\d+) (passed|failed|skipped|error)", said)}
    if code:
        print(said[-12000:])
    return {"files": names, **counts, "names_of_failed": re.findall(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)}


PARTS: dict[str, Callable[[bool], Iterator[dict]]] = {
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
    """Runs the parts until the minutes are over; rewrites the file after every row."""
    end = time.monotonic() + 60 * minutes
    earlier = json.loads(file.read_text()) if file.exists() else {"parts": {}, "dates": {}}
    record = {
        "command": "python benchmarks/gpu_minutes.py" + " --toy" * toy,
        "dates": earlier["dates"],
        "machine": {**describe_machine(DEVICE), **packages()},
        "parts": earlier["parts"],
        "failed": {},
    }
    for name in names:
        if time.monotonic() > end:
            print(f"no time left for {name}")
            continue
        rows = record["parts"][name] = []
        record["dates"][name] = datetime.date.today().isoformat()
        start = time.monotonic()
        try:
            for row in PARTS[name](toy):
                rows.append(row)
                print(f"{name}: {json.dumps(row)}", flush=True)
                _write(file, record)
                if time.monotonic() > end:
                    print(f"{name} is cut short")
                    break
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
