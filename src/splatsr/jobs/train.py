"""job=train: fits a model, keeps checkpoints, resumes exactly, and evaluates at the end."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from hydra.core.hydra_config import HydraConfig
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from splatsr.arguments import in_plain_words
from splatsr.bounds import Natural
from splatsr.checkpoints.files import load_model, save_model
from splatsr.checkpoints.resumption import choose_checkpoint, is_of_restoring
from splatsr.checkpoints.untrusted import check_description
from splatsr.data.evaluation_pairs import EvaluationPairs
from splatsr.data.module import PhotoData
from splatsr.data.rank_share import check_share
from splatsr.errors import InputError
from splatsr.heads.dictionary import carry_rows
from splatsr.image.model import Model
from splatsr.image_files.one_line import one_line
from splatsr.metrics.evaluation import check_scales, check_sizes
from splatsr.metrics.figure import Evaluation
from splatsr.metrics.names import check_metrics
from splatsr.metrics.protocol import Protocol
from splatsr.metrics.record import write_record
from splatsr.runs.call import repeat
from splatsr.runs.configuration import instantiate
from splatsr.runs.decoding import decode
from splatsr.runs.folders import why_anew
from splatsr.runs.header import Header, describe_device
from splatsr.runs.loggers import log_results, log_trained, open_loggers
from splatsr.runs.processes import check_strategy, one_per_device
from splatsr.runs.quiet import quieten_lightning
from splatsr.runs.report import draw_run, evaluate_and_report
from splatsr.runs.run import Run, recorded_settings
from splatsr.runs.signals_of_lightning import OwnSignals
from splatsr.shown import show
from splatsr.splatting.choice import check_asked
from splatsr.training.callbacks.checkpoints import BestCheckpoint, LastCheckpoint, check_monitored
from splatsr.training.callbacks.time_limit import TimeLimit
from splatsr.training.callbacks.validation import Validation
from splatsr.training.compilation import check_backend, compile_parts
from splatsr.training.first_weights import load_first_weights
from splatsr.training.length import check_epoch, check_length
from splatsr.training.module import SuperResolution

TRAINED_WITH = (
    *("model", "supervision", "loss", "optimizer", "schedule", "callbacks", "compile", "seed"),
    *("data.seed", "data.train", "data.degraded", "data.degradation", "data.skip_damaged", "data.drawings"),
    *("data.shards", "data.scenes"),
    *("data.patch", "data.patch_of", "data.scale_range", "data.scale_distribution", "data.scale_per"),
    *("data.crop_candidates", "data.permute_colors", "data.crops_per_photograph", "data.decode_on"),
    *("data.batch_size", "data.batches_per_epoch"),
    *("trainer.max_epochs", "trainer.max_steps", "trainer.precision", "trainer.gradient_clip_val"),
    *("trainer.gradient_clip_algorithm", "trainer.accumulate_grad_batches", "trainer.limit_train_batches"),
    "trainer.plugins",
)
"""Settings that weights depend on: a resumed run must have the same. All else (devices, workers, loggers, folders, test sets)
may be another."""

WATCHING = (
    "splatsr.training.callbacks.",
    *(f"lightning.pytorch.callbacks.{name}" for name in ("LearningRateMonitor", "DeviceStatsMonitor", "ModelCheckpoint")),
    *("lightning.pytorch.plugins.environments.", "lightning.pytorch.plugins.io.", "splatsr.training.whole_checkpoints."),
)
"""Callbacks and plugins that weights do not depend on."""

BEGUN_WITH = ("checkpoint", "encoder_checkpoint")
"""The same of a run that has no checkpoint of its own yet."""


def train(
    *,
    model: Mapping[str, Any],
    data: Mapping[str, Any],
    supervision: Mapping[str, Any],
    loss: Mapping[str, Any],
    optimizer: Mapping[str, Any],
    schedule: Mapping[str, Any],
    callbacks: Mapping[str, Any],
    trainer: Mapping[str, Any],
    logger: Mapping[str, Any],
    protocol: Mapping[str, Any],
    metrics: Sequence[str] | None,
    table: Mapping[str, Any] | None,
    checkpoint: str | None,
    encoder_checkpoint: str | None,
    scales: Any,
    pictures: Natural,
    compile: str | None,
    run: Run,
) -> Evaluation | None:
    """Arguments are the root keys of conf/run.yaml. The run's folder then holds config.yaml, env.txt, logs/, pictures/,
    checkpoints/{last,epochEEE-psnrPP.PPP}.ckpt, model.safetensors (averaged weights where there are such) and metrics.json.

    Returns:
        What was measured; None where there are no test sets, and in every process but the first.

    Raises:
        InputError: whatever the user can put right, before the first batch.
    """
    untrained = not (run.folder / "checkpoints/last.ckpt").exists()
    same = TRAINED_WITH + (BEGUN_WITH if untrained else ())
    resuming = run.goes_on(same=same, longer="trainer.max_epochs", watching=WATCHING)
    last_checkpoint = _begin_from(run, trainer) if resuming else None
    rules = _check(scales, metrics, compile, trainer, protocol)
    paper = None if table is None else instantiate(table, "table")
    lightning.seed_everything(run.seed)
    photographs = _prepare(data, scales, rules)
    check_epoch(trainer, photographs.batches_per_epoch)
    parts = {"supervision": supervision, "loss": loss, "optimizer": optimizer, "schedule": schedule}
    task = _build(carry_rows(model), parts, photographs, run.seed)
    begins = None if last_checkpoint else _beginning(run, resuming=resuming, weights=checkpoint, encoder=encoder_checkpoint)
    was_on = run.last_device() if last_checkpoint else None
    header = Header(run=run, protocol=rules, scales=scales, debug=_debugging(), begins=begins, was_on=was_on)
    if trainer.get("strategy") == "ddp" and not task.model.uses_all_parameters:
        trainer = {**trainer, "strategy": "ddp_find_unused_parameters_true"}
    fitter = _make_trainer(trainer, callbacks, photographs, run.folder, header)
    check_asked(fitter.strategy.root_device)
    if last_checkpoint is None:
        load_first_weights(task, checkpoint, encoder_checkpoint)
    decode(photographs, also_small=False, smallest=photographs.smallest_side)
    photographs.setup("fit")  # opens every image: what is wrong with one shows before anything is written
    with open_loggers(logger, run) as loggers:
        fitter.loggers = loggers
        if compile is not None:
            compile_parts(task.model, compile)
        _fit(fitter, task, photographs, run, last_checkpoint)
        if not fitter.is_global_zero:
            return None
        if not _is_complete(fitter):
            show(f"the time is over after {fitter.current_epoch} epochs; go on with resume={run.folder}")
            return None
        trained = _keep(task, run.folder)
        best = next((one for one in fitter.checkpoint_callbacks if isinstance(one, BestCheckpoint)), None)
        log_trained(loggers, logger, run.folder / "model.safetensors", best)
        if pictures:
            draw_run(run.folder)
        if not photographs.test_sets:
            write_record(run.finished, Evaluation([], [], {}, [], {}), protocol=rules, model=trained, checkpoint=None)
            return None
        what = {"scales": scales, "protocol": rules, "metrics": metrics, "paper": paper, "pictures": pictures}
        weights = str(run.folder / "model.safetensors")
        found = evaluate_and_report(trained, photographs, **what, checkpoint=weights, beside={}, run_dir=run.folder)
        log_results(loggers, found, rules, run.folder, fitter.global_step)
        if header.debug is None:
            show(f"to enlarge a picture: splatsr upscale photo.png --scale 3.7 --model {weights}")
    return found


def _begin_from(run: Run, trainer: Mapping[str, Any]) -> Path | None:
    """The checkpoint to go on from; None where the run has none yet."""
    limit = trainer.get("limit_train_batches")
    return choose_checkpoint(run.folder, run.resume, batches=limit if isinstance(limit, int) else None)


def _check(
    scales: Any, metrics: Sequence[str] | None, compile: str | None, trainer: Mapping[str, Any], protocol: Mapping[str, Any]
) -> Protocol:
    """Refuses wrong values of the root keys; returns the protocol."""
    check_scales(scales)
    if metrics is not None:  # None: those of the protocol
        check_metrics(metrics)
    check_backend(compile)
    check_strategy(trainer)
    check_length(trainer)
    quieten_lightning()
    return instantiate(protocol, "protocol")


def _prepare(data: Mapping[str, Any], scales: Any, rules: Protocol) -> PhotoData:
    """The data, after a look at what can be missing: folders, and LR files that the protocol expects."""
    photographs: PhotoData = instantiate(data, "data")
    photographs.prepare_data()
    measured = [*scales, *photographs.validation_scales]
    EvaluationPairs(photographs.test_sets, measured, rules.low_resolution)
    check_sizes(photographs.test_sets, measured, rules, every=True)
    return photographs


def _build(
    model: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]], photographs: PhotoData, seed: int
) -> SuperResolution:
    """The module to train; InputError where supervision, model and loss do not fit, or a part refuses a value."""
    made = {name: instantiate(part, name) for name, part in parts.items()}
    check_description(model, "these settings")  # else model.safetensors would be refused when it is read
    task = SuperResolution(model_config=model, seed=seed, **made)
    with torch.no_grad():
        task.supervision.check(task.model(torch.zeros(1, 3, 8, 8)), photographs.scale_per, photographs.smallest_crop)
    for turn in task.turns:
        turn.check(photographs.smallest_crop)
    task.make_optimizer(steps=1, steps_per_epoch=1)
    return task


def _beginning(run: Run, *, resuming: bool, weights: str | None, encoder: str | None) -> str:
    """What a training without a checkpoint of its own begins with, and why it is a new one where it was to go on."""
    first = f"with the weights of {weights or encoder}" if weights or encoder else "with random weights"
    if resuming:
        return f"anew, {first}: {run.folder} holds no checkpoint yet"
    return f"{first}: {why_anew(run.folder, run.job)}" if run.resume == "auto" else first


def _debugging() -> str | None:
    """What debug=tiny makes of the run; None without it."""
    choices = HydraConfig.get().runtime.choices if HydraConfig.initialized() else {}
    if choices.get("debug") != "tiny":
        return None
    shorter = "tiny: a narrow encoder, a few steps"
    if choices["data"] != "small":
        return f"{shorter}, on data={choices['data']}"
    return f"{shorter}, photographs that come along (to keep others name them: data=...)"


def _make_trainer(
    trainer: Mapping[str, Any], callbacks: Mapping[str, Any], photographs: PhotoData, folder: Path, header: Header
) -> lightning.Trainer:
    """The configured trainer with its callbacks, without loggers; where nothing is validated there is no best to keep."""
    made: list[Callback] = [instantiate(one, f"callbacks.{name}") for name, one in callbacks.items() if one is not None]
    if not any(isinstance(callback, LastCheckpoint) for callback in made):
        raise InputError(
            "callbacks.last is left out, which keeps the weights: choose checkpoints, as in callbacks=[checkpoints]."
        )
    validation = next((callback for callback in made if isinstance(callback, Validation)), None)
    validated = validation is not None and bool(photographs.validation_scales and photographs.test_sets)
    if validation is not None and validated:
        check_monitored(made, validation.metrics)
    if trainer.get("max_time") is not None:
        made.append(TimeLimit(trainer["max_time"]))
    fitter: lightning.Trainer = instantiate(
        trainer,
        "trainer",
        max_time=None,  # Lightning would stop within an epoch, from where a training does not go on exactly
        default_root_dir=str(folder),
        use_distributed_sampler=False,  # the batch sampler decides who sees what
        callbacks=[OwnSignals(), header, *(one for one in made if validated or not isinstance(one, BestCheckpoint))],
        logger=False,  # they are opened once all else is known to be right
    )
    check_share(photographs.batch_size, fitter.world_size, fitter.accumulate_grad_batches)
    return fitter


def _fit(fitter: lightning.Trainer, task: SuperResolution, photographs: PhotoData, run: Run, checkpoint: Path | None) -> None:
    """Trains, on all devices, to the last epoch; from a checkpoint on where there is one."""
    try:
        with one_per_device(fitter, repeat(run)):
            if fitter.is_global_zero:
                _set_results_aside(run.folder)
                run.describe(rendering=task.model.rendering, device=describe_device(fitter))
            fitter.fit(task, datamodule=photographs, ckpt_path=checkpoint, weights_only=True)
    except MisconfigurationException as error:
        raise InputError(f"trainer: {in_plain_words(error)}") from error
    except SystemExit as stopped:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt from stopped
    except Exception as error:
        if checkpoint is None or isinstance(error, InputError) or not is_of_restoring(error):
            raise
        raise InputError(
            f"{checkpoint} does not hold what this training can go on from ({one_line(error)}); go on from another checkpoint "
            "of the run, 'resume=\"<file>\"', or start anew without resume."
        ) from error
    for log in fitter.loggers:
        log.save()


def _is_complete(fitter: lightning.Trainer) -> bool:
    """Whether the training has come to its last epoch or step, not only to the end of its time."""
    epochs, steps = fitter.max_epochs, fitter.max_steps
    return (epochs is not None and 0 <= epochs <= fitter.current_epoch) or 0 <= steps <= fitter.global_step


def _set_results_aside(folder: Path) -> None:
    """A finished run that trains for more epochs keeps its earlier results as metrics-after-10-epochs.json, and so on."""
    before = recorded_settings(folder)
    if before is not None and (folder / "metrics.json").exists():
        for result in (folder / "model.safetensors", folder / "metrics.json"):
            if result.exists():
                result.rename(result.with_stem(f"{result.stem}-after-{before['trainer']['max_epochs']}-epochs"))


def _keep(task: SuperResolution, folder: Path) -> Model:
    """model.safetensors, and the model in it: of the last checkpoint, which holds averaged weights where there are such.

    (Not task.model: resumed after its last epoch, that has not been averaged.)
    """
    trained = load_model(folder / "checkpoints" / "last.ckpt")
    save_model(trained, task.model_config, folder / "model.safetensors")
    return trained
