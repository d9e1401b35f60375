"""job=train: fits a model, keeps checkpoints, resumes exactly, and evaluates at the end."""

import logging
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import torch
from hydra.utils import instantiate
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, ModelCheckpoint
from torch import nn

from splatsr.checkpoints import encoder_weights
from splatsr.checkpoints.files import load_model, load_weights, read_model, save_model
from splatsr.data.evaluation_pairs import Benchmark
from splatsr.data.module import PhotoData
from splatsr.data.rank_share import check_share
from splatsr.errors import InputError
from splatsr.heads.dictionary import carry_rows
from splatsr.jobs.prepare import decode
from splatsr.metrics.choice import check_metrics
from splatsr.metrics.evaluation import Results, check_scales
from splatsr.metrics.protocol import Protocol
from splatsr.runs.command_line import call_job
from splatsr.runs.epoch_lines import progress_callback
from splatsr.runs.loggers import log_results, open_loggers
from splatsr.runs.processes import one_per_device
from splatsr.runs.report import draw_run, evaluate_and_report
from splatsr.runs.run_folder import check_same_settings, describe_run
from splatsr.training.callbacks.dashboard import Dashboard
from splatsr.training.compilation import check_backend, compile_parts
from splatsr.training.module import SuperResolution


def train(
    *,
    model: Mapping[str, Any],
    data: Mapping[str, Any],
    samples: Mapping[str, Any],
    loss: Mapping[str, Any],
    optimizer: Mapping[str, Any],
    schedule: Mapping[str, Any],
    averaging: Mapping[str, Any],
    trainer: Mapping[str, Any],
    logger: Mapping[str, Any],
    protocol: Mapping[str, Any],
    metrics: Any,
    table: Mapping[str, Any] | None,
    checkpoint: str | None,
    encoder_checkpoint: str | None,
    scales: Any,
    pictures: int,
    seed: int,
    resume: str | None,
    run_dir: str,
    compile: str | None,
    settings: Mapping[str, Any],
) -> Results:
    """Arguments are the root keys of conf/run.yaml. The run's folder then holds

    config.yaml, env.txt, logs/, checkpoints/{last,epochEEE-psnrPP.PPP}.ckpt, model.safetensors (the averaged weights after
    the last epoch), metrics.json and pictures/.

    Raises:
        InputError: whatever the user can put right, before the first batch.
    """
    folder = Path(run_dir)
    last = folder / "checkpoints" / "last.ckpt"
    check_scales(scales)
    check_metrics(metrics)
    rules: Protocol = instantiate(protocol)
    check_backend(compile)
    model = carry_rows(model)  # a dictionary's file may be gone when the model is loaded
    resuming = _check_folder(folder, last, resume, settings)
    warnings.filterwarnings("ignore", r".isinstance.treespec, LeafSpec.. is deprecated")  # Lightning 2.6 on torch 2.12
    for noisy in ("pytorch.utilities.rank_zero", "fabric.utilities.seed", "fabric.utilities.distributed"):
        logging.getLogger(f"lightning.{noisy}").setLevel(logging.WARNING)
    lightning.seed_everything(seed)
    photographs: PhotoData = instantiate(data, _convert_="all")
    photographs.prepare_data()
    Benchmark(photographs.test_sets, scales, rules.low_resolution)  # refuses what the sets have no LR files for
    task = SuperResolution(
        model_config=model,
        samples=instantiate(samples),
        loss=instantiate(loss),
        optimizer=instantiate(optimizer, _convert_="all"),
        schedule=instantiate(schedule),
        protocol=rules,
        seed=seed,
    )
    with torch.no_grad():
        task.samples.check(task.model(torch.zeros(1, 3, 8, 8)), photographs.scale_per)
    if not resuming:
        _load_first_weights(task.model, checkpoint, encoder_checkpoint)
    decode(photographs, also_small=False, smallest=photographs.smallest_side)
    photographs.setup("fit")
    validated = bool(photographs.validation_scales and photographs.test_sets)
    dashboard = Dashboard(folder=folder, photographs=photographs, pictures=pictures > 0)
    with open_loggers(logger, folder, settings) as loggers:
        fitter: lightning.Trainer = instantiate(
            trainer,
            default_root_dir=str(folder),
            use_distributed_sampler=False,  # the batch sampler decides who sees what
            callbacks=[
                *_callbacks(folder, validated=validated),
                dashboard,
                *([instantiate(averaging)] if "_target_" in averaging else []),
            ],
            logger=loggers,
        )
        check_share(photographs.batch_size, fitter.world_size)
        if compile is not None:
            compile_parts(task.model, compile)
        try:
            with one_per_device(fitter, partial(call_job, dict(settings))):
                if fitter.is_global_zero and not resuming:
                    describe_run(folder, settings, rendering=task.model.rendering)
                fitter.fit(task, datamodule=photographs, ckpt_path=str(last) if resuming else None, weights_only=True)
        except SystemExit as stopped:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from stopped
        if not fitter.is_global_zero:
            return {}
        trained = load_model(last)  # not task.model: resumed after its last epoch, that has not been averaged
        weights = folder / "model.safetensors"
        save_model(trained, model, weights)
        if pictures:
            for log in loggers:
                log.save()
            draw_run(folder)
        if not photographs.test_sets:
            return {}
        results = evaluate_and_report(
            trained,
            photographs,
            scales=scales,
            protocol=task.protocol,
            metrics=metrics,
            checkpoint=str(weights),
            beside={},
            paper=None if table is None else instantiate(table, _convert_="all"),
            pictures=pictures,
            run_dir=folder,
        )
        log_results(loggers, results, folder, fitter.global_step)
    return results


def _check_folder(folder: Path, last: Path, resume: str | None, settings: Mapping[str, Any]) -> bool:
    """Whether the run goes on in `folder`; InputError where that would lose or mix up something."""
    if (folder / "metrics.json").exists():
        raise InputError(f"{folder} is finished already (it has a metrics.json); nothing is overwritten.")
    if resume is None and last.exists():
        raise InputError(f"{folder} holds an unfinished run already; go on with resume={folder} or choose another folder.")
    if resume not in (None, "auto") and not last.exists():
        raise InputError(f"resume={resume}: no checkpoints/last.ckpt there; expected the folder of an unfinished run.")
    if resume is not None and last.exists():
        check_same_settings(folder, settings)
        return True
    return False


def _load_first_weights(network: nn.Module, checkpoint: str | None, encoder_checkpoint: str | None) -> None:
    """Weights to start from: of a whole model, of its encoder, or the random ones that are there already."""
    if checkpoint is not None and encoder_checkpoint is not None:
        raise InputError("give either checkpoint (a whole model) or encoder_checkpoint (its encoder alone).")
    if checkpoint is not None:
        load_weights(network, read_model(checkpoint)[1], source=checkpoint)
    elif encoder_checkpoint is not None:
        encoder_weights.load_encoder(network, encoder_checkpoint)
    else:
        encoder_weights.warn_of_collapse(network)


def _callbacks(folder: Path, *, validated: bool) -> list[Callback]:
    place = folder / "checkpoints"
    callbacks: list[Callback] = [
        progress_callback(),
        LearningRateMonitor("step"),
        ModelCheckpoint(place, "last", save_on_train_epoch_end=True, enable_version_counter=False),
    ]
    if validated:
        name = "epoch{epoch:03d}-psnr{val/psnr:.3f}"
        callbacks.append(ModelCheckpoint(place, name, monitor="val/psnr", mode="max", auto_insert_metric_name=False))
    return callbacks
