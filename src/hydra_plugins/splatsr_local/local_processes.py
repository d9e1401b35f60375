"""Hydra's launcher for multiruns on this machine: every member a process of its own, several side by side.

Hydra's own launcher keeps all members in one process, where a training over several devices cannot start its others and one
that is killed takes all with it; joblib's workers are reused; submitit's local executor survives neither. Hydra wants
launchers in the package hydra_plugins, hence the folder.
"""

import logging
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus, filter_overrides
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from splatsr.disk.folder_lock import hold
from splatsr.disk.read_back import read_text, read_yaml
from splatsr.disk.whole_file import write_yaml
from splatsr.errors import InputError
from splatsr.runs.members import check_begun_alike
from splatsr.runs.quoted_text import quoted
from splatsr.runs.run import OVERRIDES

log = logging.getLogger(__name__)

OUTPUT, STATE = "output.txt", "state.yaml"
"""In a member's folder: what its process wrote, and how that ended."""

PATIENCE = 30.0
"""Seconds in which a member whose multirun was killed has come to its end."""

_MEMBER = """
import sys
from splatsr.runs.termination import end_with_standard_input
end_with_standard_input()
sys.argv[0] = "run.py"
from splatsr.runs.command_line import main
sys.exit(main())
"""


class LocalProcesses(Launcher):
    """Runs each member as `run.py <its overrides> hydra.run.dir=<its folder> resume=auto`.

    A member that is finished already (its folder has a metrics.json, or its process ended well) is not run again, one with a
    checkpoint goes on. A member that fails leaves the others alone; all end when this process does, whatever ends it.

    Args:
        n_jobs: members at the same time.

    Raises:
        InputError: n_jobs is not a whole number of at least 1.
    """

    def __init__(self, n_jobs: int) -> None:
        if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs < 1:
            raise InputError(f"hydra.launcher.n_jobs must be a whole number of at least 1; got {n_jobs!r}.")
        self.n_jobs = n_jobs
        self._running: set[subprocess.Popen[bytes]] = set()

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config, self.hydra_context = config, hydra_context

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """One JobReturn per member; none of them raises, `splatsr.runs.multirun` tells what failed.

        Raises:
            InputError: another process works in the multirun's folder, or the disk is full.
        """
        members = [
            (initial_job_idx + index, [one for one in overrides if not one.startswith("resume=")])
            for index, overrides in enumerate(job_overrides)
        ]
        self._check_folders(members)
        with hold(Path(self.config.hydra.sweep.dir), patience=PATIENCE):
            pool = ThreadPoolExecutor(self.n_jobs)
            try:
                list(pool.map(lambda member: self._run(*member), members))
            finally:
                for process in list(self._running):  # when this process is asked to end
                    process.terminate()
                pool.shutdown(cancel_futures=True)
        returns = [JobReturn(overrides=member, status=JobStatus.COMPLETED) for _, member in members]
        for returned, (index, member) in zip(returns, members, strict=True):
            returned.return_value = mean_psnr(self._folder(index, member))
        return returns

    def _check_folders(self, members: Sequence[tuple[int, list[str]]]) -> None:
        """InputError unless every member has a folder of its own, which is new or was its own before."""
        home = Path(os.path.abspath(self.config.hydra.sweep.dir))
        folders = [Path(os.path.abspath(self._folder(index, overrides))) for index, overrides in members]
        if len({*folders, home}) <= len(folders):
            raise InputError("hydra.sweep.subdir must name a folder of its own for every member; ${hydra.job.num} does.")
        if outside := [folder for folder in folders if not folder.is_relative_to(home)]:
            raise InputError(f"hydra.sweep.subdir must name folders within {home}; got {outside[0]}.")
        for folder, (_, overrides) in zip(folders, members, strict=True):
            check_begun_alike(folder, overrides)

    def _run(self, index: int, overrides: list[str]) -> None:
        folder = self._folder(index, overrides)
        if is_finished(folder):
            log.info("%d is finished already", index)
            return
        with hold(folder, patience=PATIENCE):  # its process may be on its way to its end
            write_yaml(folder / OVERRIDES, overrides)
            write_yaml(folder / STATE, {"state": "running"})
        log.info("%d begins: %s", index, " ".join(filter_overrides(overrides)))
        code = self._wait(folder, [*overrides, f"hydra.run.dir={quoted(str(folder))}", "resume=auto"])
        lines = read_text(folder / OUTPUT).strip().splitlines()
        state = {"state": "finished"}
        if code:
            state = {"state": "failed", "why": lines[-1].removeprefix("error: ") if lines else f"exit status {code}"}
        write_yaml(folder / STATE, state)
        log.info("%d %s", index, ": ".join(state.values()))

    def _wait(self, folder: Path, overrides: list[str]) -> int:
        """The exit code of the process that runs a member. Its standard input is open as long as this process lives."""
        threads = {name: str(max((os.cpu_count() or 1) // self.n_jobs, 1)) for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
        environment = {**threads, **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-c", _MEMBER, *overrides]
        with (
            (folder / OUTPUT).open("ab") as output,
            subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=output) as process,
        ):
            self._running.add(process)
            try:
                return process.wait()
            finally:
                self._running.discard(process)

    def _folder(self, index: int, overrides: Sequence[str]) -> Path:
        config = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = index
        return Path(self.config.hydra.sweep.dir) / config.hydra.sweep.subdir


def mean_psnr(folder: Path) -> float | None:
    """What a search makes large, in dB: the mean of the model's PSNR over the test sets, each at its scale nearest to x4.

    None where a member failed.
    """
    from splatsr.metrics.figure import MODEL, nearest_scale, select  # torch takes seconds, and Hydra loads every launcher
    from splatsr.metrics.names import PSNR_NAMES
    from splatsr.metrics.record import read_record

    record = folder / "metrics.json"
    if not record.is_file():
        return None
    figures = select(read_record(record).evaluation.figures, metric=PSNR_NAMES, method=MODEL)
    values = []
    for set_name in dict.fromkeys(figure.set_name for figure in figures):
        own = select(figures, set_name=set_name)
        scale = nearest_scale([figure.scale for figure in own], 4)
        values += [figure.value for figure in select(own, scale=scale)]
    return statistics.fmean(values)


def is_finished(folder: Path) -> bool:
    """Whether a member needs no further run; a state that is damaged counts for nothing."""
    if (folder / "metrics.json").is_file():
        return True
    try:
        state = read_yaml(folder / STATE)
    except InputError:
        return False
    return isinstance(state, dict) and state.get("state") == "finished"
