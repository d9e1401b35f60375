"""job=fit_prior: fits kernels to crops of photographs, and describes them: the Deep Gaussian Prior, and dictionaries of it."""

import logging
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import yaml
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from rich.console import Console

from splatsr.data.module import PhotoData
from splatsr.disk.whole_file import write_json, write_text
from splatsr.errors import InputError
from splatsr.heads.dictionary import save_dictionary
from splatsr.prior.collection import Collection
from splatsr.prior.crops import Crops
from splatsr.prior.fits import Fits, check_kernels
from splatsr.prior.fitting import Fitting
from splatsr.prior.report import markdown, summarise
from splatsr.runs.chunk_lines import predict_progress
from splatsr.runs.command_line import call_job
from splatsr.runs.processes import one_per_device
from splatsr.runs.run_folder import check_same_settings, describe_run

FINISHED = "statistics.json"
"""The last file of a run."""

FITTED_WITH = ("prior.crops", "prior.side", "prior.batch", "prior.fitting", "data", "seed")
"""Settings that fields depend on: a resumed run must have the same."""


def fit_prior(
    *,
    prior: Mapping[str, Any],
    data: Mapping[str, Any],
    trainer: Mapping[str, Any],
    seed: int,
    resume: str | None,
    run_dir: str,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Arguments are the root keys of conf/run.yaml. The run's folder then holds

    config.yaml, env.txt, fields/ (see `prior.fits`), dictionary.safetensors, prior.md, pictures/prior.png and statistics.json,
    which is returned. A killed run goes on with `resume`, over any number of processes: what has been fitted stays.

    Raises:
        InputError: whatever the user can put right, before the first crop.
    """
    folder = Path(run_dir)
    resuming = _check_folder(folder, resume, settings)
    photographs: PhotoData = instantiate({**data, "test": None}, _convert_="all")
    photographs.prepare_data()
    crops = Crops(
        photographs.training_images(),
        count=prior["crops"],
        side=prior["side"],
        seed=seed,
        skip_damaged=photographs.skip_damaged,
    )
    if not isinstance(prior["batch"], int) or prior["batch"] < 1:
        raise InputError(f"prior.batch must be a whole number of at least 1; got {prior['batch']!r}.")
    check_kernels(prior["kernels"])
    task = Collection(
        fitting=make_fitting(prior),
        crops=crops,
        batch=prior["batch"],
        folder=folder / "fields",
        seed=seed,
        workers=photographs.workers,
    )
    _quiet()
    collector: lightning.Trainer = instantiate(
        trainer,
        default_root_dir=str(folder),
        use_distributed_sampler=False,  # chunks are dealt out by their numbers
        callbacks=[predict_progress(f"fitting {len(crops)} crops")],
        logger=False,
        enable_checkpointing=False,
    )
    try:
        with one_per_device(collector, partial(call_job, dict(settings))):
            if collector.is_global_zero and not resuming:
                describe_run(folder, settings, rendering="point samples (x1)")
            collector.predict(task, return_predictions=False)
    except SystemExit as stopped:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt from stopped
    if not collector.is_global_zero:
        return {}
    return _report(folder, prior)


def make_fitting(prior: Mapping[str, Any]) -> Fitting:
    """The configured `Fitting`; InputError where a value is wrong."""
    try:
        return instantiate(prior["fitting"], _convert_="all")
    except InstantiationException as error:
        raise InputError(f"prior.fitting: {error.__cause__}") from error


def read_fits(folder: Path) -> tuple[Fits, dict[str, Any]]:
    """The fitted crops of a run's folder, and its `prior` settings; InputError where it is none, or unfinished."""
    recorded = folder / "config.yaml"
    settings = yaml.safe_load(recorded.read_text()) if recorded.is_file() else {}
    if not (folder / "fields").is_dir() or "prior" not in settings:
        raise InputError(f"{folder} is not a run of job=fit_prior (there is no config.yaml and fields/ in it).")
    prior = settings["prior"]
    return Fits(folder, crops=prior["crops"], batch=prior["batch"]), prior


def _report(folder: Path, prior: Mapping[str, Any]) -> dict[str, Any]:
    """Writes everything but the fields; statistics.json last."""
    fits = Fits(folder, crops=prior["crops"], batch=prior["batch"])
    kernels = fits.pooled(prior["kernels"])
    results = summarise(fits, kernels, prior)
    save_dictionary(instantiate(prior["dictionary"])(kernels), folder / "dictionary.safetensors")
    from splatsr.pictures.prior import draw_prior  # matplotlib takes a second

    (folder / "pictures").mkdir(exist_ok=True)
    draw_prior(kernels, folder / "pictures" / "prior.png", title=results["protocol"])
    text = markdown(results)
    write_text(folder / "prior.md", text)
    write_json(folder / FINISHED, results)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(text)
    console.print(f"fields, statistics, pictures and dictionary: {folder}")
    return results


def _check_folder(folder: Path, resume: str | None, settings: Mapping[str, Any]) -> bool:
    """Whether the run goes on in `folder`; InputError where that would mix up something."""
    begun = (folder / "fields").exists()
    if (folder / FINISHED).exists():
        raise InputError(f"{folder} is finished already (it has a {FINISHED}); nothing is overwritten.")
    if resume is None and begun:
        raise InputError(f"{folder} holds an unfinished run already; go on with resume={folder} or choose another folder.")
    if resume not in (None, "auto") and not (folder / "config.yaml").exists():
        raise InputError(f"resume={resume}: no config.yaml there; expected the folder of an unfinished run of job=fit_prior.")
    if resume is not None and (folder / "config.yaml").exists():
        check_same_settings(folder, settings, only=FITTED_WITH)
        return True
    return False


def _quiet() -> None:
    """Of Lightning, what says nothing about a `predict` without weights."""
    warnings.filterwarnings("ignore", ".*predict_dataloader.* does not have many workers")
    warnings.filterwarnings("ignore", r".isinstance.treespec, LeafSpec.. is deprecated")  # Lightning 2.6 on torch 2.12
    for noisy in ("pytorch.utilities.rank_zero", "fabric.utilities.seed", "fabric.utilities.distributed"):
        logging.getLogger(f"lightning.{noisy}").setLevel(logging.WARNING)
