"""What a method's file says about its authors' checkpoint; `splatsr.checkpoints.published` reads such checkpoints by it,
`splatsr.checkpoints.bare_state` those that are nothing but tensors."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from torch import Tensor


class PublishedForm(NamedTuple):
    """A method's checkpoint {"model": {"name", "args": {"encoder_spec": {"name", "args"}, ...}, "sd": state dict}}.

    DIINN's is Lightning's; its `hyper_parameters` are read as such arguments, their `arch` as the name. CiaoSR's is
    MMEditing's, without arguments (`checkpoints.mmediting`); GSASR's are two files without any (`checkpoints.gsasr_folder`).

    Stands as `PUBLISHED` in the method's file, alone or in a list. It is compared with the file's arguments; nothing is built
    from those.
    """

    name: str
    """`model.name` of the file. Where two methods share it, the one whose arguments are more like the file's is meant."""

    title: str
    """The method, for messages."""

    encoders: Mapping[str, str]
    """Encoders of published models, names of `published_encoders.ENCODERS`, and the prefix of their tensors' names."""

    upscale: int
    """Of those encoders: grid cells per LR pixel and axis."""

    arguments: Mapping[str, Any]
    """`model.args` without the encoder's: what each of them says, where it is there at all."""

    ignored: Collection[str]
    """Further arguments, without effect in the published code."""

    names: Mapping[str, str]
    """Prefixes of the published tensors' names, and the prefixes that they get here."""

    config: Mapping[str, Any]
    """The constructor's arguments without the encoder, as in conf/model/. Their home is there; they are repeated because a
    file from elsewhere must open without Hydra. A test compares."""

    unused: Collection[str] = ()
    """Prefixes of tensors that the published code has and does not use."""

    kept: Collection[str] = ()
    """Prefixes of tensors that are part of the model whatever they are called (`checkpoints.published.unused_kind`)."""


class PublishedState(NamedTuple):
    """A method's checkpoint that is a state dict and nothing else, perhaps under `params` (BasicSR): what it is of shows in its
    tensors' names and shapes. Stands in a list, `PUBLISHED_STATES`, in the method's file."""

    title: str
    """The method, for messages."""

    known_by: Collection[str]
    """Tensors that every such file has, and no other method's."""

    read: Callable[[Mapping[str, Tensor]], tuple[dict[str, Any], dict[str, Tensor]]]
    """(configuration, tensors under our names) of such a state dict; InputError where it is of a network that is not known."""
