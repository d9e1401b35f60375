"""Trainings without their trainer: one step per call, to be timed."""

import time
from collections.abc import Callable, Sequence

from splatsr.checkpoints.build import build
from splatsr.data.module import PhotoData
from splatsr.runs.configuration import compose, instantiate
from splatsr.training.turns import turns_of


class Steps:
    """The training that `python run.py <overrides>` would do."""

    def __init__(self, *overrides: str) -> None:
        self.settings = compose(*overrides)
        self.model = build(self.settings["model"])
        self.supervision, self.loss = (instantiate(self.settings[name], name) for name in ("supervision", "loss"))
        self.optimizer = instantiate(self.settings["optimizer"], "optimizer")(self.model.parameters())

    def batches(self, count: int) -> list[dict]:
        """The first crops of the experiment."""
        data: PhotoData = instantiate({**self.settings["data"], "batches_per_epoch": count, "workers": 0}, "data")
        data.setup("fit")
        return list(data.train_dataloader())

    def __call__(self, batch: dict, index: int) -> None:
        for turn in turns_of(self.supervision, self.loss):
            self.optimizer.zero_grad()
            turn.loss(*turn.supervision(self.model(batch["lr"]), batch)).backward()
            self.optimizer.step()


def step_seconds(trainings: Sequence[Steps], count: int, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """The mean seconds of a step of each, after an untimed one; they take turns, each on its own crops."""
    batches = [training.batches(count + 1) for training in trainings]
    spent = [0.0] * len(trainings)
    for index in range(count + 1):
        for which, training in enumerate(trainings):
            start = clock()
            training(batches[which][index], index)
            spent[which] += clock() - start if index else 0.0
    return [seconds / count for seconds in spent]
