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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import lightning
import torch
from lightning.pytorch.strategies.launchers import _MultiProcessingLauncher
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from torch import distributed

from splatsr.errors import InputError
from splatsr.runs.command_line import explain

_ECHO = 5.0
"""Seconds within which an error here counts as the echo of another process's end, and within which one must follow it."""


@contextmanager
def one_per_device(trainer: lightning.Trainer, work: Callable[[], Any]) -> Iterator[None]:
    """Inside, all processes of the training are there and `trainer` may fit; `work` (picklable) is what the others do.

    Nothing is started where there is one device, or where Slurm or torchrun have started all processes already. On leaving, all
    have come to the end; the process group, and what Lightning set in the environment, are gone.

    Raises:
        InputError: the cluster's tasks do not fit the trainer's devices; or another process ended with one.
    """
    environment, threads = dict(os.environ), torch.get_num_threads()
    cluster = getattr(trainer.strategy, "cluster_environment", None)
    _check_tasks(trainer)
    count = trainer.num_devices if cluster is not None and not cluster.creates_processes_externally else 1
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
        os.environ.clear()
        os.environ.update(environment)
        torch.set_num_threads(threads)  # Lightning divides the cores; what follows has them alone


def _check_tasks(trainer: lightning.Trainer) -> None:
    cluster = getattr(trainer.strategy, "cluster_environment", None)
    if cluster is None:
        return
    if isinstance(trainer.strategy.launcher, _MultiProcessingLauncher):
        raise InputError(
            "trainer.strategy must be ddp, not one of its spawn or fork variants: the job itself starts the processes."
        )
    try:
        cluster.validate_settings(num_devices=trainer.num_devices, num_nodes=trainer.num_nodes)
    except ValueError as error:
        raise InputError(
            f"the job's tasks do not fit the trainer: {trainer.num_nodes} nodes (trainer.num_nodes) of {trainer.num_devices} "
            f"devices (trainer.devices) need as many nodes and tasks per node. {error}"
        ) from error


@contextmanager
def other_processes(count: int, work: Callable[[], Any]) -> Iterator[None]:
    """`count` more processes that do `work`, with LOCAL_RANK 1, 2, ...; none is left afterwards.

    Raises:
        InputError: one of them ended with it, or was killed.
        RuntimeError: one of them ended with another error, which it has printed.
    """
    spawn = multiprocessing.get_context("spawn")
    ears: dict[BaseProcess, Connection] = {}
    for number in range(1, count + 1):
        ear, mouth = spawn.Pipe(duplex=False)
        process = spawn.Process(target=_work, args=(work, number, mouth), name=f"process {number}")
        process.start()
        mouth.close()
        ears[process] = ear
    watch = _Watch(ears)
    watch.start()
    try:
        yield
        watch.over.set()
        watch.join(timeout=60)
    except Exception as error:
        if isinstance(error, InputError) or not watch.failed.wait(_ECHO if count else 0):
            raise
        raise (InputError if watch.refused else RuntimeError)(watch.failure) from error
    finally:
        watch.over.set()
        for process in ears:
            process.kill()


class _Watch(threading.Thread):
    """Ends all processes when one of the others fails: this one too, should it be waiting for the dead one forever."""

    def __init__(self, ears: dict[BaseProcess, Connection]) -> None:
        super().__init__(daemon=True)
        self.ears, self.failure, self.refused = ears, "", False
        self.failed, self.over = threading.Event(), threading.Event()

    def run(self) -> None:
        running = {process.sentinel: process for process in self.ears}
        while running:
            for sentinel in wait(list(running)):
                process = running.pop(sentinel)
                process.join()
                if process.exitcode and not self.over.is_set():
                    return self._end_all(process)
        return None

    def _end_all(self, process: BaseProcess) -> None:
        try:
            self.failure, self.refused = self.ears[process].recv(), True
        except EOFError:
            self.refused = process.exitcode < 0
            if self.refused:
                why = f"was killed by signal {-process.exitcode}; if memory ran out, use fewer data.workers."
            else:
                why = f"ended with code {process.exitcode}; its error is above."
            self.failure = f"{process.name} {why}"
        for other in self.ears:
            other.kill()
        self.failed.set()
        if not self.over.wait(2 * _ECHO):
            sys.stderr.write(f"error: {self.failure}\n")
            sys.stderr.flush()
            os._exit(1)


def _work(work: Callable[[], Any], number: int, mouth: Connection) -> None:
    """In another process: `work`; what the user should know is told once, by the first process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["LOCAL_RANK"] = str(number)
    rank_zero_only.rank = number  # from the first line on: loggers write in the first process only
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    try:
        work()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if (refusal := explain(error)) is None:
            raise
        mouth.send(refusal)
        sys.exit(1)


def _end_with_parent() -> None:
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]
