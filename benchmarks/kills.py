"""What is left of jobs that are killed at any moment, and whether they end as if nothing had happened.

    python benchmarks/kills.py                    # 240 kills, 40 of them of trainings: half an hour on one core
    python benchmarks/kills.py --kills 20 --seed 3

Each job runs once undisturbed. Then it is killed at a random moment of that time (SIGKILL or SIGTERM, it or all its processes),
every file it has left is read, and the same command (a training and fit_prior with resume=auto) is given again. Trainings write
to another file system than the temporary folder, where there is one. Writes its table in docs/reliability.md.
"""

import argparse
import random
import shutil
import signal
import tempfile
from pathlib import Path

from forked_command import Kill, Outcome, prepare, run
from section import RELIABILITY, write_results, write_section
from small_jobs import JOBS, SmallJob, make_home, results
from splatsr.disk.markdown import markdown_table
from whole_files import half_files

SHARES = {"train": 40, "fit_prior": 40, "upscale": 60, "prepare": 40, "evaluate": 40, "convert": 20}
"""Kills of each job, of 240."""

GRACE = 10.0
"""Seconds that a job may take to end after SIGTERM."""

OTHER_DISK = Path("/dev/shm")


class Campaign:
    """Kills of one job after another.

    Args:
        home: with pictures and a model.
        work: where results go.
        seed: of the moments and signals.
    """

    def __init__(self, home: Path, work: Path, seed: int) -> None:
        self.home, self.work, self.random = home, work, random.Random(seed)
        self.faults: list[str] = []

    def kill(self, job: SmallJob, times: int) -> dict[str, int | float | str]:
        """The figures of one job; what went wrong is added to `faults`."""
        whole = self.work / f"{job.name}-whole"
        undisturbed = run(job.command(self.home, whole), folder=self.work, seconds=300)
        if undisturbed.code:
            raise SystemExit(f"{job.name} fails undisturbed: {undisturbed.err}")
        wanted = results(job, whole)
        counts = {"job": job.name, "kills": 0, "too late": 0, "went on": 0, "equal": 0, "half files": 0, "tracebacks": 0}
        slowest = 0.0
        while counts["kills"] < times:
            index = counts["kills"] + counts["too late"]
            out = self.work / f"{job.name}-{index}"
            kill = Kill(
                self.random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]),
                self.random.uniform(0, undisturbed.seconds),
                self.random.random() < 0.5,
            )
            first = run(job.command(self.home, out), folder=self.work, seconds=300, kill=kill)
            counts["too late" if first.code == 0 else "kills"] += 1
            if kill.number == signal.SIGTERM and first.code != 0:
                slowest = max(slowest, first.seconds - kill.after)
                self._check_ending(job, first)
            halves = half_files(out)
            again = run(job.command(self.home, out, *job.resumed), folder=self.work, seconds=300)
            finished = again.is_one_line and "already" in again.err  # nothing was left to do, and it says so
            equal = results(job, out) == wanted
            left = [str(path) for path in out.rglob("*.partial")]
            counts["half files"] += len(halves)
            counts["tracebacks"] += first.has_traceback + again.has_traceback
            counts["went on"] += finished or again.code == 0
            counts["equal"] += equal
            if halves or left or not equal or not (finished or again.code == 0) or first.has_traceback or again.has_traceback:
                self.faults.append(f"{job.name} {index} {kill}: {first} {again} half {halves} left {left} equal {equal}")
            shutil.rmtree(out, ignore_errors=True)
        return {**counts, "slowest end after SIGTERM, s": round(slowest, 1)}

    def _check_ending(self, job: SmallJob, ended: Outcome) -> None:
        lines = ended.err.strip().splitlines()
        early = ended.code == -signal.SIGTERM and not lines  # before the command line listens
        if not early and (ended.code != 143 or len(lines) != 1 or not lines[0].startswith("ended by SIGTERM")):
            self.faults.append(f"{job.name} after SIGTERM: {ended}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Kills jobs at random moments; rewrites the docs' table.")
    parser.add_argument("--kills", type=int, default=240)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", nargs="+", choices=list(JOBS), default=list(JOBS))
    arguments = parser.parse_args()
    prepare()
    other = OTHER_DISK if OTHER_DISK.is_dir() else None
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory(dir=other) as work:
        campaign = Campaign(make_home(Path(home)), Path(work), arguments.seed)
        rows = []
        for name in arguments.jobs:
            rows.append(campaign.kill(JOBS[name], max(1, SHARES[name] * arguments.kills // 240)))
            print(rows[-1], flush=True)
    for fault in campaign.faults:
        print(fault)
    made_by = write_results(
        "kills",
        f"python benchmarks/kills.py --kills {arguments.kills} --seed {arguments.seed}",
        jobs=rows,
        faults=len(campaign.faults),
    )
    table = markdown_table(list(rows[0]), [list(map(str, row.values())) for row in rows], text_columns=1)
    text = f"{made_by}; results on {other or 'the temporary folder'}.\n\n{table}\n\n{len(campaign.faults)} faults."
    print(text)
    if arguments.jobs == list(JOBS):
        write_section("kills", text, RELIABILITY)


if __name__ == "__main__":
    main()
