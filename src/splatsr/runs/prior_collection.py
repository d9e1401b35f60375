"""Fitting kernels to crops of photographs in a run's folder, on all devices; what job=fit_prior and job=sensitivity share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning

from splatsr.checkpoints.build import PRIOR, build
from splatsr.data.module import PhotoData
from splatsr.errors import InputError
from splatsr.prior.collection import Collection
from splatsr.prior.crops import Crops
from splatsr.prior.fits import Fits
from splatsr.prior.settings import PriorSettings
from splatsr.runs.call import repeat
from splatsr.runs.configuration import instantiate
from splatsr.runs.processes import check_strategy, one_per_device
from splatsr.runs.quiet import quieten_lightning
from splatsr.runs.run import CONFIG, Run, recorded_settings
from splatsr.runs.signals_of_lightning import OwnSignals
from splatsr.training.callbacks.progress import prediction_progress

FITTED_WITH = ("prior.crops", "prior.side", "prior.batch", "prior.fitting", "data.train", "data.skip_damaged", "seed")
"""Settings that fields depend on: a resumed run must have the same."""


def collect(run: Run, prior: PriorSettings, data: Mapping[str, Any], trainer: Mapping[str, Any], *, resuming: bool) -> bool:
    """Fits the crops that are still to be fitted; fields/ in the run's folder then holds all, see `prior.fits`.

    Returns:
        Whether this is the first process: the others have nothing more to do.

    Raises:
        InputError: whatever the user can put right, before the first crop.
    """
    check_strategy(trainer)
    photographs: PhotoData = instantiate({**data, "test": None}, "data")
    photographs.prepare_data()
    crops = Crops(
        photographs.training_images(),
        count=prior.crops,
        side=prior.side,
        seed=run.seed,
        skip_damaged=photographs.skip_damaged,
    )
    task = Collection(
        fitting=prior.fitting,
        crops=crops,
        batch=prior.batch,
        folder=run.folder / "fields",
        seed=run.seed,
        workers=photographs.workers,
    )
    quieten_lightning()
    collector: lightning.Trainer = instantiate(
        trainer,
        "trainer",
        default_root_dir=str(run.folder),
        use_distributed_sampler=False,  # chunks are dealt out by their index
        callbacks=[OwnSignals(), prediction_progress(f"fitting {len(crops)} crops")],
        logger=False,
        enable_checkpointing=False,
    )
    try:
        with one_per_device(collector, repeat(run)):
            if collector.is_global_zero and not resuming:
                run.describe(rendering="point samples (x1)")
            collector.predict(task, return_predictions=False)
    except SystemExit as stopped:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt from stopped
    return collector.is_global_zero


def read_fits(folder: Path) -> tuple[Fits, PriorSettings]:
    """The fitted crops of a run's folder, and how they were fitted; InputError where it is none, or unfinished."""
    settings = recorded_settings(folder)
    if settings is None or not (folder / "fields").is_dir() or "prior" not in settings:
        raise InputError(f"{folder} is not a run of job=fit_prior (there is no config.yaml and fields/ in it).")
    prior = build(settings["prior"], "prior", PRIOR)
    if not isinstance(prior, PriorSettings):
        raise InputError(f"{folder / CONFIG} is damaged: its prior is none of job=fit_prior.")
    return Fits(folder, crops=prior.crops, batch=prior.batch), prior
