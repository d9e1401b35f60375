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

import yaml
from hydra.core.utils import JobReturn, JobStatus, filter_overrides
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from splatsr.errors import InputError

log = logging.getLogger(__name__)

OVERRIDES, OUTPUT, STATE = ".hydra/overrides.yaml", "output.txt", "state.yaml"
"""In a member's folder: what was asked of it (Hydra's own file), what its process wrote, and how that ended."""

_MEMBER = "import sys; sys.argv[0] = 'run.py'; from splatsr.runs.command_line import main; sys.exit(main())"


class LocalProcesses(Launcher):
    """Runs each member as `run.py <its overrides> hydra.run.dir=<its folder> resume=auto`.

    A member that is finished already (its folder has a metrics.json, or its process ended well) is not run again, one with a
    checkpoint goes on. A member that fails leaves the others alone.

    Args:
        n_jobs: members at the same time.

    Raises:
        InputError: n_jobs is not a whole number of at least 1.
    """

    def __init__(self, n_jobs: int) -> None:
        if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs < 1:
            raise InputError(f"hydra.launcher.n_jobs must be a whole number of at least 1; got {n_jobs!r}.")
        self.n_jobs = n_jobs

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config, self.hydra_context = config, hydra_context

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """One JobReturn per member; none of them raises, `splatsr.runs.multirun` tells what failed."""
        threads = {name: str(max((os.cpu_count() or 1) // self.n_jobs, 1)) for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
        environment = {**threads, **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

        def run(index: int, overrides: list[str]) -> None:
            folder = self._folder(index, overrides)
            if is_finished(folder):
                log.info("%d is finished already", index)
                return
            folder.joinpath(OVERRIDES).parent.mkdir(parents=True, exist_ok=True)
            folder.joinpath(OVERRIDES).write_text(yaml.safe_dump(overrides))
            folder.joinpath(STATE).write_text("state: running\n")
            log.info("%d begins: %s", index, " ".join(filter_overrides(overrides)))
            command = [sys.executable, "-c", _MEMBER, *overrides, f"hydra.run.dir='{folder}'", "resume=auto"]
            with (folder / OUTPUT).open("a") as output:
                code = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False).returncode
            lines = (folder / OUTPUT).read_text().strip().splitlines()
            state = (
                {"state": "failed", "why": lines[-1].removeprefix("error: ") if lines else f"exit status {code}"}
                if code
                else {"state": "finished"}
            )
            folder.joinpath(STATE).write_text(yaml.safe_dump(state, sort_keys=False))
            log.info("%d %s", index, ": ".join(state.values()))

        members = [
            (initial_job_idx + index, [one for one in overrides if not one.startswith("resume=")])
            for index, overrides in enumerate(job_overrides)
        ]
        pool = ThreadPoolExecutor(self.n_jobs)
        try:
            list(pool.map(lambda member: run(*member), members))
        finally:
            pool.shutdown(cancel_futures=True)  # Ctrl-C reaches those that run by itself; the others must not begin
        returns = [JobReturn(overrides=member, status=JobStatus.COMPLETED) for _, member in members]
        for returned, (index, member) in zip(returns, members, strict=True):
            returned.return_value = mean_psnr(self._folder(index, member))
        return returns

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
    """Whether a member needs no further run."""
    state = folder / STATE
    return (folder / "metrics.json").is_file() or (state.is_file() and yaml.safe_load(state.read_text())["state"] == "finished")
