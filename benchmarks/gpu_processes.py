"""Two processes that train one model together on one device, by gloo: is their gradient that of the whole batch?

A part of gpu_minutes.py. (NCCL, which several GPUs use, wants a GPU for each process.)
"""

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, distributed, multiprocessing
from torch.nn.parallel import DistributedDataParallel

from gpu_training import TOY, DeviceSteps, step_milliseconds

PROCESSES = 2


def two_processes(toy: bool) -> Iterator[dict]:
    """The largest difference of the gradient from that of one process, relative to its largest value, and a step's time."""
    crops = 2 if toy else 64
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("localhost", 0))
        address = free.getsockname()[1]
        free.close()
        multiprocessing.spawn(_train, (address, folder, crops, toy), PROCESSES)
        found = torch.load(Path(folder) / "found.pt")
    training = _training(toy)
    batch = _batch(training, crops)
    training.loss(*training.supervision(training.model(batch["lr"]), batch)).backward()
    expected = _gradient(training.model)
    alone = step_milliseconds(lambda index: training.step(batch, index), 0.5)
    yield {
        "crops": crops,
        "gradient_difference": float((found["gradient"] - expected).abs().max() / expected.abs().max()),
        "step_ms_of_two": found["step_ms"],
        "step_ms_of_one": alone,
    }


def _train(rank: int, address: int, folder: str, crops: int, toy: bool) -> None:
    os.environ.update(MASTER_ADDR="localhost", MASTER_PORT=str(address))
    distributed.init_process_group("gloo", rank=rank, world_size=PROCESSES)
    training = _training(toy)
    together = DistributedDataParallel(training.model)
    share = {name: value.chunk(PROCESSES)[rank] for name, value in _batch(training, crops).items() if isinstance(value, Tensor)}
    batch = {**share, "scale": 4.0}
    training.loss(*training.supervision(together(batch["lr"]), batch)).backward()
    gradient = _gradient(training.model)

    def step(_: int) -> None:
        training.optimizer.zero_grad()
        training.loss(*training.supervision(together(batch["lr"]), batch)).backward()
        training.optimizer.step()

    for _ in range(3):
        step(0)
    milliseconds = step_milliseconds(step, 0.0)  # the same number of calls in both
    if rank == 0:
        torch.save({"gradient": gradient, "step_ms": milliseconds}, Path(folder) / "found.pt")
    distributed.barrier()
    distributed.destroy_process_group()


def _training(toy: bool) -> DeviceSteps:
    torch.manual_seed(0)
    return DeviceSteps("experiment=tiny_released", *(TOY if toy else []), bf16=False)


def _batch(training: DeviceSteps, crops: int) -> dict:
    torch.manual_seed(1)
    return training.random_batch(crops)


def _gradient(model: torch.nn.Module) -> Tensor:
    return torch.cat([parameter.grad.flatten().cpu() for parameter in model.parameters() if parameter.grad is not None])
