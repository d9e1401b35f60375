"""Several devices: one process each. The process that the user started takes the first device and starts the others.

Lightning would start them by repeating the command line. Within a sweep (-m) that is the whole sweep, and each repetition
chooses log files, if not a folder, of its own. Here the others get the settings themselves: one run, one folder, and whatever
ends one process ends all of them.
"""

import logging
import multiprocessing
import os
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from torch import distributed

from splatsr.errors import InputError
from splatsr.runs.explanations import explain
from splatsr.runs.watcher import Watcher

ECHO_SECONDS = 5.0
"""Within which an error here counts as the echo of another process's end."""


_OF_CLUSTERS = ("SLURM_PROCID", "TORCHELASTIC_RUN_ID", "LSB_JOBID", "NODE_RANK", "GROUP_RANK")
"""Variables of which one is there where something has started processes on several machines."""


def check_strategy(trainer: Mapping[str, Any]) -> None:
    """InputError where the trainer's settings name a strategy that starts processes itself, by spawn or fork, or several
    machines although nothing has started processes on them: the first would wait for the others for ever."""
    nodes = trainer.get("num_nodes", 1)
    if nodes > 1 and not any(name in os.environ for name in _OF_CLUSTERS):
        raise InputError(
            f"trainer.num_nodes={nodes} needs processes on so many machines, and nothing has started them: use trainer=slurm "
            "with srun, or torchrun --nnodes."
        )
    strategy = trainer.get("strategy")
    if isinstance(strategy, str) and strategy.endswith(("spawn", "fork", "notebook")):
        raise InputError(
            f"trainer.strategy must be ddp, not one of its spawn or fork variants ({strategy}): the job itself starts the "
            "processes."
        )


@contextmanager
def one_per_device(trainer: lightning.Trainer, work: Callable[[], Any]) -> Iterator[None]:
    """Inside, all processes of the training are there and `trainer` may fit; `work` (picklable) is what the others do.

    Nothing is started where there is one device, or where Slurm or torchrun have started all processes already. On leaving, all
    have come to the end; the process group, and what Lightning set in the environment, are undone.

    Raises:
        InputError: the cluster's tasks do not fit the trainer's devices; or another process ended with one.
    """
    cluster = getattr(trainer.strategy, "cluster_environment", None)
    if cluster is not None:
        _check_tasks(trainer, cluster)
    count = trainer.num_devices if cluster is not None and not cluster.creates_processes_externally else 1
    with _restored_environment():
        if count > 1:
            os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
            os.environ.setdefault("MASTER_PORT", str(_free_port()))
            os.environ["LOCAL_RANK"] = "0"  # Lightning takes the processes to be there
        try:
            with other_processes(count - 1, work):
                yield
                trainer.strategy.barrier()
        finally:
            if distributed.is_available() and distributed.is_initialized():
                distributed.destroy_process_group()


@contextmanager
def other_processes(count: int, work: Callable[[], Any]) -> Iterator[None]:
    """`count` more processes that do `work`, with LOCAL_RANK 1, 2, ...; none is left afterwards.

    Raises:
        InputError: one of them ended with it, or was killed.
        RuntimeError: one of them ended with another error, which it has printed.
    """
    refusals = dict(_start(rank, work) for rank in range(1, count + 1))
    watcher = Watcher(refusals, patience=2 * ECHO_SECONDS)
    watcher.start()
    try:
        yield
        watcher.over.set()
        watcher.join(timeout=60)
    except Exception as error:
        # where another process has failed, the error here is most often its echo (a broken connection)
        if isinstance(error, InputError) or not watcher.failed.wait(ECHO_SECONDS if count else 0):
            raise
        raise (InputError if watcher.refused else RuntimeError)(watcher.failure) from error
    finally:
        watcher.over.set()
        for process in refusals:
            process.kill()


def _start(rank: int, work: Callable[[], Any]) -> tuple[BaseProcess, Connection]:
    """A process that does `work`, and the connection through which it says why it refuses to."""
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_work, args=(work, rank, sender), name=f"process {rank}")
    process.start()
    sender.close()
    return process, receiver


def _work(work: Callable[[], Any], rank: int, refusal: Connection) -> None:
    """In another process: `work`; what the user should know is said once, by the first process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["LOCAL_RANK"] = str(rank)
    rank_zero_only.rank = rank  # type: ignore[attr-defined] # kept on the function; from the first line on: loggers write in the first process only
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    try:
        work()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if (text := explain(error)) is None:
            raise
        refusal.send(text)
        sys.exit(1)


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        wait([parent.sentinel])
        os._exit(1)


def _check_tasks(trainer: lightning.Trainer, cluster: Any) -> None:
    try:
        cluster.validate_settings(num_devices=trainer.num_devices, num_nodes=trainer.num_nodes)
    except ValueError as error:
        raise InputError(
            f"the job's tasks do not fit the trainer: {trainer.num_nodes} nodes (trainer.num_nodes) of {trainer.num_devices} "
            f"devices (trainer.devices) need as many nodes and tasks per node. {error}"
        ) from error


@contextmanager
def _restored_environment() -> Iterator[None]:
    """On leaving, the environment's variables and torch's threads (Lightning divides the cores) are what they were."""
    before, threads = dict(os.environ), torch.get_num_threads()
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        torch.set_num_threads(threads)


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]
