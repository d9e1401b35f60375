"""What a training begins with: the weights of a model, those of its encoder alone, or random ones."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from splatsr.checkpoints import encoder_weights
from splatsr.checkpoints.files import load_weights, read_model
from splatsr.checkpoints.plain_values import values_in
from splatsr.errors import InputError
from splatsr.image_files.one_line import one_line
from splatsr.training.module import SuperResolution

log = logging.getLogger(__name__)

_SHOWN = 6


def load_first_weights(task: SuperResolution, checkpoint: str | None, encoder_checkpoint: str | None) -> None:
    """Loads the whole model or its encoder, or leaves the random weights that are there, with a warning where these are known
    to do badly.

    Raises:
        InputError: both are given, or a file cannot be read or does not fit; settings in which it differs are named.
    """
    if checkpoint is not None and encoder_checkpoint is not None:
        raise InputError("give either checkpoint (a whole model) or encoder_checkpoint (its encoder alone).")
    if checkpoint is not None:
        _load_model(task, checkpoint)
    elif encoder_checkpoint is not None:
        encoder_weights.load_encoder(task.model, encoder_checkpoint)
    else:
        encoder_weights.warn_of_collapse(task.model)
    if checkpoint is None and len(task.turns) > 1:
        log.warning(
            "THIS TRAINING WILL PROBABLY FAIL: it takes %d steps on every batch, which is the second stage of a model that the "
            "first has trained. Set checkpoint=<model.safetensors of the first stage>.",
            len(task.turns),
        )


def _load_model(task: SuperResolution, checkpoint: str) -> None:
    config, tensors = read_model(checkpoint)
    theirs, ours = (str(one.get("_target_")).rpartition(".")[2] for one in (config, task.model_config))
    if theirs != ours:
        raise InputError(
            f"checkpoint={checkpoint} is a {theirs}, and this trains {ours}: choose its experiment, or other weights."
        )
    state = task.model.completed(tensors)
    try:
        load_weights(task.model, state, source=checkpoint)
    except InputError as error:
        there, here = (_settings(one) for one in (config, task.model_config))
        differ = [
            f"{key} is {there.get(key)} there and {here.get(key)} here"
            for key in sorted({**there, **here}, key=_importance)
            if there.get(key) != here.get(key)
        ]
        if not differ:
            raise
        more = f", and {len(differ) - _SHOWN} more" if len(differ) > _SHOWN else ""
        raise InputError(f"{error} Settings that differ: {', '.join(differ[:_SHOWN])}{more}.") from error
    if new := state.keys() - tensors.keys():
        log.info("%s: %d tensors loaded; %s begin with random weights", checkpoint, len(tensors), _parts(new))


def _importance(name: str) -> tuple[bool, int]:
    """What a part is comes before how large it is, and before what is in it."""
    return not name.endswith("._target_"), name.count(".")


def _settings(config: Mapping[str, Any]) -> dict[str, str]:
    """{"model.encoder.channels": "64"} and so on."""
    settings: dict[str, str] = {}
    for name, value, _ in values_in(config, "model"):
        if not isinstance(value, Mapping):
            settings.setdefault(name, one_line(str(value)))  # a list comes before its members, which have its name
    return settings


def _parts(names: Iterable[str]) -> str:
    """stages.1, stages.2"""
    return ", ".join(sorted({".".join(name.split(".")[:2]) for name in names}))
