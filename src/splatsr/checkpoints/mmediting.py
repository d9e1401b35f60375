"""Checkpoints of CiaoSR, which was trained with MMEditing: {"meta", "state_dict"}, names in it begin with `generator.` or not.

They hold no arguments. The encoder is known by its tensors' names, which are MMEditing's own for EDSR and RDN.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from splatsr.checkpoints.holders import without_parallel

_PREFIX = "generator."

EDSR_NAMES = (
    (r"conv_first\.", "head.0."),
    (r"body\.(\d+)\.conv1\.", r"body.\1.body.0."),
    (r"body\.(\d+)\.conv2\.", r"body.\1.body.2."),
    (r"conv_after_body\.", "body.16."),
)
"""How the names of EDSR's tensors begin with BasicSR and MMEditing, and in the family's files."""
_RDN = (
    (r"sfe(\d)\.", r"SFENet\1."),
    (r"rdbs\.(\d+)\.layers\.(\d+)\.conv\.", r"RDBs.\1.convs.\2.conv.0."),
    (r"rdbs\.(\d+)\.lff\.", r"RDBs.\1.LFF."),
    (r"gff\.", "GFF."),
)
_ENCODERS = {
    "edsr-baseline": ("body.0.conv1.weight", EDSR_NAMES),
    "rdn": ("sfe1.weight", _RDN),
    "swinir-body": ("patch_embed.norm.weight", ()),
}
"""By the names of `published_encoders`: a tensor that it alone has, and how its names begin there and in the family's files."""

_DECODER = ("imnet_q.", "imnet_k.", "imnet_v.", "cs_attn.")


def is_of_ciaosr(content: Any) -> bool:
    """Whether an unpickled file is such a checkpoint."""
    state = content.get("state_dict") if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping):
        return False
    names = without_parallel(state).keys()
    return any(f"{prefix}imnet_q.layers.0.weight" in names for prefix in ("", _PREFIX))


def of_ciaosr(content: Mapping[str, Any]) -> tuple[str, dict[str, Any], Any]:
    """(name, arguments, state dict) as the LIIF family's files have them, the encoder's names among them."""
    given = without_parallel(content["state_dict"])
    state = {key.removeprefix(_PREFIX) if isinstance(key, str) else key: value for key, value in given.items()}
    found = [name for name, (known_by, _) in _ENCODERS.items() if known_by in state]
    encoder = found[0] if found else None
    rules = _ENCODERS[encoder][1] if encoder else ()
    return "ciaosr", {"encoder_spec": {"name": encoder}}, {_family_name(key, rules): value for key, value in state.items()}


def _family_name(name: Any, rules: tuple[tuple[str, str], ...]) -> Any:
    if not isinstance(name, str) or name.startswith(_DECODER):
        return name
    return f"encoder.{renamed(name, rules)}"


def renamed(name: str, rules: Iterable[tuple[str, str]]) -> str:
    """The name with its beginning replaced by the first rule that matches it."""
    for theirs, ours in rules:
        if match := re.match(theirs, name):
            return match.expand(ours) + name[match.end() :]
    return name
