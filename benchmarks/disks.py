"""What becomes of jobs whose disk is full, may not be written to, or whose temporary folder is full.

    sudo python benchmarks/disks.py               # 121 disks, half of an hour on one core; Linux, as root (it mounts tmpfs)

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

MORE_JOBS = {
    "dictionary": SmallJob(
        "dictionary",
        ("job=dictionary", "input={home}/fit_prior-run", "output={out}/d.safetensors"),
        ("d.safetensors",),
        (),
    ),
    "sensitivity": SmallJob(
        "sensitivity",
        ("job=sensitivity", "input={home}/fit_prior-run", "prior.sensitivity.seeds=1", "hydra.run.dir={out}"),
        ("sensitivity.json", "sensitivity.md"),
        (),
    ),
    "ablations": SmallJob(
        "ablations", ("job=ablations", "runs=[{home}]", "hydra.run.dir={out}"), ("ablations.md", "ablations.json"), ()
    ),
    "multirun": SmallJob(
        "multirun",
        ("-m", *JOBS["evaluate"].arguments[:-1], "seed=0,1", "hydra.sweep.dir={out}", "hydra/launcher=basic"),
        ("0/metrics.json", "1/metrics.json", "1/pictures/pictures-0-x3.png", "multirun.md"),
        ("resume={out}",),
    ),
    "publish": SmallJob(
        "publish",
        ("publish", "{home}/train-run", "--to", "{out}", "--licence", "MIT"),
        ("model.safetensors", "LICENSE", "psnr.png", "pictures-0-x2.png"),
        (),
    ),
}
"""Besides those that are killed, too."""

ALL = {**JOBS, **MORE_JOBS}

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


def main_of(arguments: list[str]) -> int:
    """The exit code of the command `splatsr`."""
    from splatsr.commands import front_door

    return front_door.main(arguments)


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
        if (undisturbed := self._run(job.command(self.home, whole))).code:
            raise SystemExit(f"{job.name} fails undisturbed: {undisturbed.err}")
        wanted, needed = self._results(job, whole), sum(path.stat().st_size for path in whole.rglob("*") if path.is_file())
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
                equal = self._results(job, mounted / "out") == wanted
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
            first = self._run(job.command(self.home, out))
        halves = half_files(out)
        remount(mounted, f"rw,size={2**26}")
        if first.code == 0:
            return first, halves, first
        return first, halves, self._run(job.command(self.home, out, *job.resumed))

    def _run(self, arguments: list[str]) -> Outcome:
        return call(lambda: main_of(arguments), folder=self.work, seconds=300)

    def _results(self, job: SmallJob, out: Path) -> list[bytes]:
        """As `results`; the multirun's folder, which its pages name, is left out of them."""
        return [content.replace(os.fsencode(out), b"") for content in results(job, out)]

    def _with_temporary(self, folder: Path, job: SmallJob, out: Path) -> int:
        os.environ["TMPDIR"] = str(folder)
        tempfile.tempdir = None
        return main_of(job.command(self.home, out))


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs jobs on full and on read-only disks; rewrites the docs' table.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", nargs="+", choices=list(ALL), default=list(ALL))
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("benchmarks/disks.py mounts small disks, which needs root.")
    prepare()
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as work:
        campaign = Campaign(make_home(Path(home)), Path(work), arguments.seed)
        for name in ("train", "fit_prior"):
            if (made := run(JOBS[name].command(Path(home), Path(home) / f"{name}-run"), folder=Path(work), seconds=300)).code:
                raise SystemExit(made.err)
        rows = []
        for name in arguments.jobs:
            rows.append(campaign.try_all(ALL[name]))
            print(rows[-1], flush=True)
    for fault in campaign.faults:
        print(fault)
    made_by = write_results(
        "disks", f"python benchmarks/disks.py --seed {arguments.seed}", jobs=rows, faults=len(campaign.faults)
    )
    table = markdown_table(list(rows[0]), [list(map(str, row.values())) for row in rows], text_columns=1)
    text = f"{made_by}.\n\n{table}\n\n{len(campaign.faults)} faults."
    print(text)
    if arguments.jobs == list(ALL):
        write_section("disks", text, RELIABILITY)


if __name__ == "__main__":
    main()
