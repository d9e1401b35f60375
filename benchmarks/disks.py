"""What becomes of jobs whose disk is full, may not be written to, or whose temporary folder is full.

    sudo python benchmarks/disks.py               # 66 disks, a quarter of an hour on one core; Linux, as root (it mounts tmpfs)

Each job's results go to a small disk of random size that they do not fit on, to one that is read-only, and to a good one while
the temporary folder is full. What is left is read; then the disk gets space, and the same command (a training and fit_prior
with resume=auto) must end as if nothing had happened. Writes its table in docs/reliability.md.
"""

import argparse
import contextlib
import os
import random
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from forked_command import Outcome, call, prepare, run
from section import RELIABILITY, write_results, write_section
from small_jobs import JOBS, SmallJob, make_home, results
from splatsr.disk.markdown import markdown_table
from whole_files import half_files

KINDS = ("full",) * 9 + ("read-only", "temporary folder full")


@contextlib.contextmanager
def disk(folder: Path, size: int) -> Iterator[None]:
    """A disk of so many bytes at a folder."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def remount(folder: Path, options: str) -> None:
    """Changes a mounted disk."""
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def fill(folder: Path) -> None:
    """Leaves no space on a disk."""
    with contextlib.suppress(OSError), (folder / "filling").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


class Campaign:
    """Full disks for one job after another.

    Args:
        home: with pictures and a model.
        work: where disks are mounted.
        seed: of the sizes.
    """

    def __init__(self, home: Path, work: Path, seed: int) -> None:
        self.home, self.work, self.random = home, work, random.Random(seed)
        self.faults: list[str] = []

    def try_all(self, job: SmallJob) -> dict[str, int | str]:
        """The figures of one job; what went wrong is added to `faults`."""
        whole = self.work / f"{job.name}-whole"
        if (undisturbed := run(job.command(self.home, whole), folder=self.work, seconds=300)).code:
            raise SystemExit(f"{job.name} fails undisturbed: {undisturbed.err}")
        wanted, needed = results(job, whole), sum(path.stat().st_size for path in whole.rglob("*") if path.is_file())
        counts = {
            "job": job.name,
            "disks": len(KINDS),
            "one line": 0,
            "went on": 0,
            "equal": 0,
            "half files": 0,
            "tracebacks": 0,
        }
        for index, kind in enumerate(KINDS):
            mounted = self.work / f"{job.name}-{index}"
            with disk(mounted, max(8192, int(needed * self.random.uniform(0.02, 0.95))) if kind == "full" else 2**26):
                first, halves, again = self._try(job, kind, mounted)
                equal = results(job, mounted / "out") == wanted
                left = [str(path) for path in mounted.rglob("*.partial")]
            told = first.is_one_line or (first.code == 0 and kind != "read-only")
            counts["one line"] += told
            counts["half files"] += len(halves)
            counts["tracebacks"] += first.has_traceback + again.has_traceback
            counts["went on"] += again.code == 0
            counts["equal"] += equal
            if not told or halves or left or again.code or not equal or first.has_traceback or again.has_traceback:
                self.faults.append(f"{job.name} {index} {kind}: {first} {again} half {halves} left {left} equal {equal}")
        return counts

    def _try(self, job: SmallJob, kind: str, mounted: Path) -> tuple[Outcome, list[str], Outcome]:
        """How the job ends on the disk, which half files that leaves, and how it ends afterwards."""
        out = mounted / "out"
        if kind == "read-only":
            remount(mounted, "ro")
        if kind == "temporary folder full":
            full = self.work / f"{job.name}-temporary"
            with disk(full, 65536):
                fill(full)
                first = call(lambda: self._with_temporary(full, job, out), folder=self.work, seconds=300)
        else:
            first = run(job.command(self.home, out), folder=self.work, seconds=300)
        halves = half_files(out)
        remount(mounted, f"rw,size={2**26}")
        if first.code == 0:
            return first, halves, first
        return first, halves, run(job.command(self.home, out, *job.resumed), folder=self.work, seconds=300)

    def _with_temporary(self, folder: Path, job: SmallJob, out: Path) -> int:
        from splatsr.runs import command_line

        os.environ["TMPDIR"] = str(folder)
        tempfile.tempdir = None
        command_line.sys.argv = ["run.py", *job.command(self.home, out)]
        return command_line.main()


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs jobs on full and on read-only disks; rewrites the docs' table.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", nargs="+", choices=list(JOBS), default=list(JOBS))
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("benchmarks/disks.py mounts small disks, which needs root.")
    prepare()
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as work:
        campaign = Campaign(make_home(Path(home)), Path(work), arguments.seed)
        rows = []
        for name in arguments.jobs:
            rows.append(campaign.try_all(JOBS[name]))
            print(rows[-1], flush=True)
    for fault in campaign.faults:
        print(fault)
    made_by = write_results(
        "disks", f"python benchmarks/disks.py --seed {arguments.seed}", jobs=rows, faults=len(campaign.faults)
    )
    table = markdown_table(list(rows[0]), [list(map(str, row.values())) for row in rows], text_columns=1)
    text = f"{made_by}.\n\n{table}\n\n{len(campaign.faults)} faults."
    print(text)
    if arguments.jobs == list(JOBS):
        write_section("disks", text, RELIABILITY)


if __name__ == "__main__":
    main()
