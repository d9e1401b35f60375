"""Bounds of those arguments of libraries' classes that they do not state themselves, or only once a run has begun."""

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import lightning
from annotated_types import Ge, Len
from lightning.pytorch.callbacks import EMAWeightAveraging, LearningRateMonitor
from torch.nn import modules
from torch.optim import Optimizer

from splatsr.arguments import Hints
from splatsr.bounds import AtLeastOne, BelowOne, Count, Natural, NonNegative, Positive

_TRAINER = {
    "precision": Literal["32-true", "16-mixed", "bf16-mixed"],  # others make all weights of another type, kernels included
    "devices": Count | Annotated[Sequence[Natural], AtLeastOne] | str,
    "num_nodes": Count,
    "max_epochs": Annotated[int, Ge(-1)] | None,
    "max_steps": Annotated[int, Ge(-1)],
    "min_epochs": Natural | None,
    "min_steps": Natural | None,
    "limit_train_batches": Count | Positive | None,
    "limit_val_batches": NonNegative | None,
    "overfit_batches": NonNegative,
    "check_val_every_n_epoch": Count | None,
    "val_check_interval": Positive | str | None,
    "log_every_n_steps": Count | None,
    "accumulate_grad_batches": Count,
    "gradient_clip_val": NonNegative | None,
    "gradient_clip_algorithm": Literal["norm", "value"] | None,
    "num_sanity_val_steps": Annotated[int, Ge(-1)] | None,
    "reload_dataloaders_every_n_epochs": Natural,
}

_OPTIMIZER = {
    "lr": Positive,
    "betas": Annotated[Sequence[BelowOne], Len(2, 2)],
    "eps": Positive,
    "weight_decay": NonNegative,
    "momentum": NonNegative,
    "dampening": NonNegative,
    "alpha": BelowOne,
    "rho": BelowOne,
}

_ADAN = {**_OPTIMIZER, "betas": Annotated[Sequence[BelowOne], Len(3, 3)]}

_AVERAGING = {"decay": BelowOne, "update_every_n_steps": Count, "update_starting_at_step": Natural | None}

_MONITOR = {"logging_interval": Literal["step", "epoch"] | None}

_LOSS = {"reduction": Literal["mean"], "beta": Positive, "delta": Positive}


def bounds_of(reader: Callable[..., Any]) -> Hints:
    """Annotations, by name, that say more than a library's own do; of anything else none."""
    if not inspect.isclass(reader):
        return {}
    for kind, bounds in (
        (lightning.Trainer, _TRAINER),
        (Optimizer, _ADAN if reader.__name__ == "Adan" else _OPTIMIZER),  # to import it takes a second
        (EMAWeightAveraging, _AVERAGING),
        (LearningRateMonitor, _MONITOR),
        (modules.loss._Loss, _LOSS),
    ):
        if issubclass(reader, kind):
            return bounds
    return {}
