"""Times the training steps of the experiments in conf/experiment/compare, so that all can be given the same minutes.

    python benchmarks/equal_minutes.py    # minutes; prints seconds per step, and epochs that fit into the budget

The experiments take turns on the first crops of the embedded photographs, step by step. Figures are means of wall-clock times:
what a step costs depends on the scale that its batch has drawn.
"""

import argparse
import logging
import time
from collections.abc import Callable

import torch

from splatsr.runs.configuration import CONF
from training_steps import Steps, step_seconds


def measure(count: int, clock: Callable[[], float]) -> tuple[dict[str, Steps], dict[str, float]]:
    """The comparison's experiments, and their mean seconds per step after an untimed one."""
    names = sorted(path.stem for path in (CONF / "experiment" / "compare").glob("*.yaml"))
    methods = {name: Steps(f"experiment=compare/{name}") for name in names}
    return methods, dict(zip(names, step_seconds(list(methods.values()), count, clock), strict=True))


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
