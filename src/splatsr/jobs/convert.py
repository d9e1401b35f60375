"""job=convert: a published checkpoint, or one of a training, becomes the suite's own file, with a model card beside it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from splatsr import __version__
from splatsr.checkpoints.files import load_weights, read_model, save_model
from splatsr.checkpoints.untrusted import build_from_file, count_elements
from splatsr.disk.folder_lock import check_free
from splatsr.disk.whole_file import whole_file
from splatsr.errors import InputError
from splatsr.released.weights_file import weights_file

CARD = """\
# {name}

{method} with the encoder {encoder}, {parameters:,} parameters, for SplatSR.

| | |
|---|---|
| source file | `{source}` |
| its sha256 | `{sha256}` |
| method | `{method_target}` |
| encoder | `{encoder_target}` |
| parameters | {parameters:,} |
| converted by | SplatSR {version}, `python run.py job=convert` |

## Licence

The weights keep the licence of the file that they come from. The public ContinuousSR weights are CC BY-NC 4.0: attribution to
their authors, no commercial use. SplatSR's own licence covers its code only.

## Use

    model = splatsr.load("{file}")
    image = model(lr).render(scale=4)   # lr: (B, 3, h, w), RGB in [0, 1]
"""


def convert(*, checkpoint: str | None, output: str | None) -> None:
    """Arguments are the root keys of conf/run.yaml. Writes `output` (.safetensors) and its card (.md); overwrites nothing.

    Raises:
        InputError: an argument is missing, a result exists already, or the checkpoint cannot be loaded.
    """
    if checkpoint is None or output is None:
        raise InputError("job=convert needs checkpoint=<ContinuousSR.pth, or a .ckpt> and output=<file>.safetensors.")
    target = Path(output)
    if target.suffix != ".safetensors":
        raise InputError(f"{target}: cannot write {target.suffix or 'a file without suffix'}; output ends in .safetensors.")
    card = target.with_suffix(".md")
    if existing := [str(path) for path in (target, card) if path.exists()]:
        raise InputError(f"{existing[0]} exists already; nothing is overwritten, choose another output.")
    check_free(target.parent)
    config, tensors = read_model(checkpoint)
    model = build_from_file(config, elements=count_elements(tensors), source=checkpoint)
    load_weights(model, tensors, source=checkpoint)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    with whole_file(card, replace=False) as partial:  # either both are there in the end, or none
        partial.write_text(_describe(config, weights_file(checkpoint), target, parameters), encoding="utf-8")
        save_model(model, config, target)
    Console().print(f"{checkpoint} -> {target} and {card} ({parameters:,} parameters)", soft_wrap=True)


def _describe(config: Mapping[str, Any], source: Path, target: Path, parameters: int) -> str:
    method, encoder = config["_target_"], config["encoder"]["_target_"] if "encoder" in config else "none"
    with source.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return CARD.format(
        name=target.stem,
        file=target.name,
        method=method.rpartition(".")[2],
        method_target=method,
        encoder=encoder.rpartition(".")[2],
        encoder_target=encoder,
        parameters=parameters,
        source=source.name,
        sha256=sha256,
        version=__version__,
    )
