"""Whatever ends one of the processes ends all, and says why."""

import subprocess
import sys
import time
from functools import partial

import pytest

from splatsr.data.rank_share import check_share
from splatsr.errors import InputError
from splatsr.runs import processes
from splatsr.runs.processes import check_strategy, other_processes


def test_what_another_process_refuses_is_told_by_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "ECHO_SECONDS", 100.0)  # starting a process takes long on a busy machine
    with pytest.raises(InputError, match="3 is the total over all devices"), other_processes(1, partial(check_share, 3, 2, 1)):
        raise RuntimeError("connection closed by peer")


def test_an_own_refusal_is_told_as_it_is_and_leaves_no_process() -> None:
    before = time.monotonic()
    with pytest.raises(InputError, match="mine"), other_processes(1, partial(time.sleep, 100)):
        raise InputError("mine")
    assert time.monotonic() - before < 30


def test_a_process_that_waits_for_a_dead_one_is_ended() -> None:
    script = (
        "import os, time; from functools import partial; from splatsr.runs import processes\n"
        "processes.ECHO_SECONDS = 0.2\n"
        "with processes.other_processes(1, partial(os._exit, 3)): time.sleep(200)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=150, check=False)
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1] == "error: process 1 ended with code 3; its error is above."


def test_several_machines_without_a_cluster_are_refused_before_the_first_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="trainer.num_nodes=2 needs processes on so many machines"):
        check_strategy({"num_nodes": 2})
    monkeypatch.setenv("SLURM_PROCID", "0")
    check_strategy({"num_nodes": 2})
