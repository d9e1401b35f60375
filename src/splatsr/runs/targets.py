"""What a `_target_` of the settings may name: parts of SplatSR, and those parts of its libraries that stand beside them."""

import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from typing import Any

import hydra

from splatsr.arguments import shown
from splatsr.errors import InputError

_HOMES = ("splatsr.", "lightning.", "torch.optim.", "torch.nn.modules.loss.")
"""Where they are defined. Whatever else Python could call (os.getcwd, torch.nn.ReLU) is no part of a run."""

_OF_MODELS = ("splatsr.models.", "splatsr.encoders.", "splatsr.heads.", "splatsr.decoders.", "splatsr.prior.fitting.")
"""Where the parts of models are defined; which of them a model may consist of, `checkpoints.build` lists."""

_FUNCTIONS = (
    "splatsr.data.photos.", "splatsr.heads.dictionary.", "splatsr.heads.initialisation.", "splatsr.prior.dictionaries.",
    "splatsr.training.schedules.",
)  # fmt: skip
"""Where functions are defined that can be parts; all others are classes."""

_KINDS = {
    "model": ("splatsr.models.",),
    "data": ("splatsr.data.",),
    "supervision": ("splatsr.training.supervision.",),
    "loss": ("splatsr.training.losses.", "splatsr.training.vgg_loss.", "torch.nn.modules.loss."),
    "optimizer": ("torch.optim.", "timm.optim.adan."),
    "schedule": ("splatsr.training.schedules.",),
    "callbacks": ("splatsr.training.callbacks.", "lightning.pytorch.callbacks.", "splatsr.metrics.protocol."),
    "trainer": ("lightning.", "splatsr.training."),
    "logger": ("splatsr.training.csv_log.", "lightning.pytorch.loggers."),
    "protocol": ("splatsr.metrics.protocol.",),
    "benchmark": ("splatsr.metrics.cost_settings.", *_OF_MODELS),
    "prior": ("splatsr.prior.",),
    "table": ("splatsr.tables.", "splatsr.metrics.protocol."),
}
"""Where the parts of a root key are defined; those below a model in `_OF_MODELS`."""

_OF_LIBRARIES = {
    "loss": ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss"),
    "optimizer": ("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Adan", "ASGD", "LBFGS", "NAdam", "RAdam",
                  "RMSprop", "Rprop", "SGD"),
    "callbacks": ("LearningRateMonitor", "EMAWeightAveraging", "WeightAveraging", "ModelCheckpoint", "DeviceStatsMonitor",
                  "ModelSummary", "RichModelSummary", "RichProgressBar", "TQDMProgressBar"),
}  # fmt: skip
"""What of the libraries goes with a training here, by root key. Others are not for images, or not for dense gradients, look for
another model's parts, stop or change a training such that it does not go on exactly, or keep no weights to go on from."""

_CALLED_LATER = ("optimizer", "schedule")
"""Root keys whose part is called by the training: `_partial_: true`."""


def find_target(target: Any, name: str) -> Callable[..., Any]:
    """What a part's `_target_` names.

    Args:
        target: the value of `_target_`.
        name: the part's dotted name.

    Raises:
        InputError: there is no such thing, or it is no part that can stand there.
    """
    root, *below = name.split(".")
    homes = _OF_MODELS if root == "model" and below else _KINDS.get(root.partition("[")[0], _HOMES)
    refusal = InputError(
        f"{name}._target_ is {shown(target)}, which cannot stand there; what can is defined in "
        f"{', '.join(home.rstrip('.') for home in homes)}."
    )
    if not isinstance(target, str) or not target.startswith(("splatsr.", "lightning.", "torch.", "timm.")):
        raise refusal
    try:
        found = pkgutil.resolve_name(target)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"{name}._target_ is {target!r}, which does not exist.") from error
    defined = f"{getattr(found, '__module__', None)}."
    if not defined.startswith(homes) or not (inspect.isclass(found) or (callable(found) and defined.startswith(_FUNCTIONS))):
        raise refusal
    home = target.rpartition(".")[0]
    if "._" in target or not inspect.ismodule(pkgutil.resolve_name(home)):  # a class's method, or a name for the file alone
        raise refusal
    if target.startswith("splatsr.") and defined != f"{home}.":
        raise InputError(
            f"{name}._target_ is {target!r}, which is not defined there; give {defined}{target.rpartition('.')[2]}."
        )
    fitting = _OF_LIBRARIES.get(root, ())
    if fitting and not str(found.__module__).startswith("splatsr.") and getattr(found, "__name__", "") not in fitting:
        raise InputError(f"{name}._target_ is {target!r}, which does not go with these trainings; take {', '.join(fitting)}.")
    return found


def find_job(node: Mapping[str, Any]) -> Callable[..., Any]:
    """The function of splatsr.jobs that the key `job` names; InputError where it is none."""
    if not isinstance(node, Mapping) or "_target_" not in node:
        raise InputError("job must be the name of one of conf/job/, for example job=train.")
    if unread := sorted(set(node) - {"_target_"}):
        raise InputError(f"nothing reads job.{unread[0]}; a job's settings are root keys.")
    if not re.fullmatch(r"splatsr\.jobs\.(\w+)\.\1", target := str(node["_target_"])):
        raise InputError(
            f"job._target_ is {shown(node['_target_'])}, which is no job; choose one of conf/job/, for example job=train."
        )
    return hydra.utils.get_method(target)


def check_root_parts(settings: Mapping[str, Any]) -> None:
    """InputError where a root key that is a part is none, or where a part is bound (`_partial_`) that should be made, or the
    other way round."""
    for name, node in settings.items():
        if name in ("callbacks", "logger"):
            parts = node.items() if isinstance(node, Mapping) else [(name, node)]
            if wrong := next((key for key, one in parts if one is not None and not _is_part(one)), None):
                raise InputError(f"{name}.{wrong} must be a part with a _target_, or null; got {shown(node)}.")
        elif name in _KINDS and not _is_part(node) and not (name == "table" and node is None):
            raise InputError(f"{name} must be a part with a _target_, one of conf/{name}/; got {shown(node)}.")
        elif _is_part(node) and bool(node.get("_partial_")) != (name in _CALLED_LATER):
            raise InputError(f"{name}._partial_ must be {str(name in _CALLED_LATER).lower()}.")


def _is_part(node: Any) -> bool:
    return isinstance(node, Mapping) and "_target_" in node
