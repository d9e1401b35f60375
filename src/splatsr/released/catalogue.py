"""The models that are known by name: models.json says what they are, weights/ holds those that come with the package."""

import difflib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from splatsr.errors import InputError

_HERE = Path(__file__).parent

DEFAULT = "tiny"
"""The model that `splatsr upscale` takes where none is named."""


class Released(NamedTuple):
    """A model, as models.json describes it.

    Attributes:
        file: name of its file in weights/.
        sha256: of that file.
        method: the option of conf/model that it was trained with.
        encoder: the option of conf/model/encoder.
        parameters: their number.
        licence: of the weights, an SPDX name.
        trained_on: which photographs.
        trained_by: the command that trains it again.
        made: how the training went: seed, commit, machine, length.
        figures: (set, protocol, {scale: {"psnr_y": dB, "bicubic_psnr_y": dB}}).
        command: what prints the figures.
    """

    file: str
    sha256: str
    method: str
    encoder: str
    parameters: int
    licence: str
    trained_on: str
    trained_by: str
    made: Mapping[str, str]
    figures: Mapping[str, Mapping[str, float]]
    measured_on: str
    command: str

    @property
    def path(self) -> Path:
        """Where its file is, or would be."""
        return _HERE / "weights" / self.file


class Public(NamedTuple):
    """A file that others publish on the Hugging Face Hub, as public.json describes it; downloaded when it is named.

    Attributes:
        repository: owner/name.
        file: in it.
        sha256: what the file must be.
        holds: "model", or "encoder" for `encoder_checkpoint`.
        licence: as the repository states it.
        what: in words.
    """

    repository: str
    file: str
    sha256: str
    holds: str
    licence: str
    what: str


@cache
def public_files() -> Mapping[str, Public]:
    """All of them by name."""
    content = json.loads((_HERE / "public.json").read_text(encoding="utf-8"))
    return {name: Public(**one) for name, one in content.items()}


@cache
def catalogue() -> Mapping[str, Released]:
    """All of them by name, in the order of models.json."""
    content = json.loads((_HERE / "models.json").read_text(encoding="utf-8"))
    return {name: Released(**one) for name, one in content.items()}


def check_name(wanted: str) -> None:
    """InputError unless `wanted` is a known name, or may be a file or something on a hub: the nearest name, and all of them."""
    if wanted in catalogue() or wanted in public_files() or Path(wanted).exists() or wanted.startswith("hf:"):
        return
    if not wanted:
        raise InputError(f"the name of the model is empty; known names: {', '.join(catalogue())}.")
    if Path(wanted).suffix or Path(wanted).name != wanted:
        raise InputError(f"{wanted}: no such file; expected a model.safetensors or a .ckpt of this suite.")
    near = difflib.get_close_matches(wanted, [*catalogue(), *public_files()], n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise InputError(
        f"there is no model {wanted!r}; {hint}known names are {', '.join(catalogue())}; or give a file, or hf:<owner>/<name>."
    )
