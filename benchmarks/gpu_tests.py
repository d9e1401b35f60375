"""The tests that need a GPU, in the time that is left: the parts of gpu_minutes.py that call pytest."""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from section import HERE


def run_tests(toy: bool, seconds: float) -> Iterator[dict]:
    """The marked tests, and the renderer's small cases."""
    pattern = "test_gpu.py" if toy else "test_gpu*.py"
    files = sorted((HERE.parent / "tests/splatting").glob(pattern))
    yield from tested(files, ["-k", "interpreter"] if toy else [], seconds)


def run_gsplat_tests(_: bool, seconds: float) -> Iterator[dict]:
    """Those of gsplat's renderer; gsplat is compiled first, for minutes."""
    yield from tested([HERE.parent / "tests/splatting/test_gsplat_device.py"], [], seconds)


def tested(files: list[Path], only: list[str], seconds: float) -> Iterator[dict]:
    """A row: how many tests there are, how many passed, and the names of those that failed; up to where pytest was cut off.

    Raises:
        RuntimeError: behind the row, if pytest did not come to its end.
    """
    names = [str(path.relative_to(HERE.parent)) if path.is_relative_to(HERE.parent) else str(path) for path in files]
    command = [
        sys.executable,
        "-u",
        "-m",
        "pytest",
        "-v",
        "-o",
        "addopts=",
        "--import-mode=importlib",
        "-p",
        "no:cacheprovider",
    ]
    log = Path(tempfile.gettempdir()) / "gpu_minutes_tests.log"  # is there also where the script is cut off
    with log.open("w") as file:
        arguments = ["-o", "filterwarnings=default", "-rfE", *names, *only]
        process = subprocess.Popen(command + arguments, stdout=file, stderr=subprocess.STDOUT, cwd=HERE.parent)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            for one in (*psutil.Process(process.pid).children(recursive=True), process):  # compilers too
                one.kill()
    code = process.wait()
    said = log.read_text()
    if code:
        print(said[-12000:])
    finished = code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    yield {"files": names, **outcomes(said), "cut_off": not finished}
    if not finished:
        raise RuntimeError(f"pytest ended with status {code}")


def outcomes(said: str) -> dict:
    """What `pytest -v` said, up to anywhere: the number of tests to run, of those that passed, failed, ..., and the names
    of those that failed."""
    collected = re.search(r"^(?:collecting \.\.\. )?collected (\d+) items?(?:.* (\d+) selected)?", said, re.MULTILINE)
    lines = re.findall(r"^(\S+::.*?) (PASSED|FAILED|SKIPPED|ERROR)\b.*\[ *\d+%\]$", said, re.MULTILINE)
    uncollected = re.findall(r"^ERROR (\S+\.py)(?: - .*)?$", said, re.MULTILINE)
    return {
        "tests": int(collected[2] or collected[1]) if collected else None,
        **Counter(outcome.lower() for _, outcome in lines),
        "names_of_failed": [name for name, outcome in lines if outcome in ("FAILED", "ERROR")] + uncollected,
    }
