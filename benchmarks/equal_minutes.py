"""Times the training steps of the experiments in conf/experiment/compare, so that all can be given the same minutes.

    python benchmarks/equal_minutes.py    # minutes; prints seconds per step, and epochs that fit into the budget

The experiments take turns on the same crops of the embedded photographs, step by step. Figures are means of wall-clock times:
what a step costs depends on the scale that its batch has drawn.
"""

import argparse
import logging
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from splatsr.checkpoints.build import build
from splatsr.data.module import PhotoData
from splatsr.runs.configuration import CONF, compose, instantiate


class Steps:
    """An experiment's training without its trainer: one step per call."""

    def __init__(self, name: str) -> None:
        self.settings = compose(f"experiment=compare/{name}")
        self.model = build(self.settings["model"])
        self.supervision, self.loss = (instantiate(self.settings[name], name) for name in ("supervision", "loss"))
        self.optimizer = instantiate(self.settings["optimizer"], "optimizer")(self.model.parameters())

    def batches(self, count: int) -> list[dict]:
        """The first crops of the experiment."""
        data: PhotoData = instantiate({**self.settings["data"], "batches_per_epoch": count, "workers": 0}, "data")
        data.setup("fit")
        return list(data.train_dataloader())

    def __call__(self, batch: dict, index: int) -> None:
        self.optimizer.zero_grad()
        self.loss(*self.supervision(self.model(batch["lr"]), batch, np.random.default_rng(index))).backward()
        self.optimizer.step()


def measure(count: int, clock: Callable[[], float]) -> tuple[dict[str, Steps], dict[str, float]]:
    """The comparison's experiments, and their mean seconds per step after an untimed one."""
    methods = {path.stem: Steps(path.stem) for path in sorted((CONF / "experiment" / "compare").glob("*.yaml"))}
    times: dict[str, list[float]] = {name: [] for name in methods}
    for index, batch in enumerate(next(iter(methods.values())).batches(count + 1)):
        for name, step in methods.items():
            start = clock()
            step(batch, index)
            times[name].append(clock() - start)
    return methods, {name: statistics.mean(measured[1:]) for name, measured in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Times training steps of the comparison's experiments.")
    parser.add_argument("--minutes", type=float, default=25, help="the budget of a training")
    parser.add_argument("--steps", type=int, default=20, help="timed steps of each experiment")
    parser.add_argument("--processor", action="store_true", help="count processor time: for a machine that is busy")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    methods, seconds = measure(arguments.steps, time.process_time if arguments.processor else time.perf_counter)
    logging.info("%d threads, %d steps each, %g minutes", torch.get_num_threads(), arguments.steps, arguments.minutes)
    for name, method in methods.items():
        epochs = 60 * arguments.minutes / seconds[name] / method.settings["data"]["batches_per_epoch"]
        weights = sum(parameter.numel() for parameter in method.model.parameters())
        logging.info("%-16s %6.3f s per step, %5.1f epochs; %s parameters", name, seconds[name], epochs, f"{weights:,}")


if __name__ == "__main__":
    main()
