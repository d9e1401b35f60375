"""`splatsr publish`: a model with its card in a folder, as hubs want it; and, on request, on the hub."""

import csv
import hashlib
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from splatsr import __version__
from splatsr.commands.arguments import Parser
from splatsr.errors import InputError
from splatsr.released.catalogue import catalogue, check_name

_ABOUT = """\
Writes a model and its card for the Hugging Face Hub: model.safetensors, README.md, LICENSE, and the pictures of its run.

Figures, command and pictures come from the folder of the run that the file lies in. Without --upload nothing leaves this
machine."""

_KNOWN = ("config.yaml", "overrides.yaml", "metrics.json")


def publish(arguments: Sequence[str]) -> None:
    """Runs the command.

    Raises:
        InputError: the model cannot be read, the folder is not empty, no licence is known, or the hub refuses.
    """
    parser = Parser("publish", usage="splatsr publish MODEL --to FOLDER [--licence NAME] [--upload OWNER/NAME]", about=_ABOUT)
    parser.add_argument("model", metavar="MODEL", help="a name, a file, or the folder of a run")
    parser.add_argument("--to", required=True, metavar="FOLDER", help="a folder that does not exist, or is empty")
    parser.add_argument(
        "--licence",
        "--license",
        metavar="NAME",
        help="of the weights, such as CC-BY-4.0 (SPDX); default: the run's data.licence",
    )
    parser.add_argument("--upload", metavar="OWNER/NAME", help="also upload it to the Hugging Face Hub, under that name")
    options = parser.parse_args(arguments)
    folder = Path(options.to)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there and not an empty folder; nothing is overwritten, choose another --to.")
    if options.upload is not None and not re.fullmatch(r"[\w.-]+/[\w.-]+", options.upload):
        raise InputError(f"--upload {options.upload}: expected owner/name, such as you/tiny-photos.")
    run = Path(options.model)
    source = str(run / "model.safetensors") if run.is_dir() and options.model not in catalogue() else options.model
    check_name(source)
    beside = None if source in catalogue() or not (Path(source).parent / "config.yaml").is_file() else Path(source).parent
    licence = _licence(options.licence, source, beside)
    from splatsr.disk.folder_lock import missing_folders, remove_empty

    missing = missing_folders(folder)
    try:
        _write(source, folder, beside, licence)
    except BaseException:  # of a signal too
        for file in folder.glob("*"):  # there was none before
            file.unlink()
        raise
    finally:
        remove_empty(missing)  # of a command that is refused nothing stays
    sys.stdout.write(f"{source} -> {folder}\n")
    if options.upload is not None:
        from splatsr.released.hub import upload

        try:
            name = upload(folder, options.upload)
        except InputError as error:
            raise InputError(f"{error} {folder} is complete: upload it by hand, or publish into another folder.") from error
        sys.stdout.write(f"uploaded: splatsr.load({name!r})\n")


def _licence(given: str | None, source: str, run: Path | None) -> str:
    """The licence of the weights; InputError where nothing says it."""
    known = given or (catalogue()[source].licence if source in catalogue() else None)
    if known is None and run is not None:
        data = _settings(run).get("data")
        known = data.get("licence") if isinstance(data, dict) else None
    if known is None:
        raise InputError(
            f"nothing says under which licence {source} may be published: what it was trained on decides. Give --licence, "
            "such as CC-BY-4.0, or set data.licence when training."
        )
    if not isinstance(known, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]*", known):
        raise InputError(f"the licence {known!r} is no SPDX name, such as Apache-2.0 or CC-BY-NC-4.0.")
    return known


def _write(source: str, folder: Path, run: Path | None, licence: str) -> None:
    from splatsr.checkpoints.files import load_weights, read_model, save_model
    from splatsr.checkpoints.untrusted import build_from_file, count_elements
    from splatsr.disk.whole_file import write_text
    from splatsr.released.card import Card

    config, tensors = read_model(source)
    model = build_from_file(config, elements=count_elements(tensors), source=source)
    load_weights(model, tensors, source=source)
    if all(tensor.dtype.itemsize == 2 for tensor in tensors.values() if tensor.is_floating_point()):
        model.half()  # as the file has them
    file = folder / "model.safetensors"
    save_model(model, config, file)
    known = catalogue().get(source)
    protocol, figures = (None, []) if run is None else _figures(run)
    if known is not None:
        protocol = f"L-pil (`{known.command}`)"
        figures = [
            [known.measured_on, scale, "psnr_y", f"{one['bicubic_psnr_y']:.2f}", f"{one['psnr_y']:.2f}"]
            for scale, one in known.figures.items()
        ]
    encoder = config.get("encoder")
    card = Card(
        name=source if known is not None else folder.resolve().name,
        method=_class_name(config),
        encoder=_class_name(encoder) if isinstance(encoder, Mapping) else None,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        licence=licence,
        trained_by=known.trained_by if known is not None else None if run is None else command_of(run),
        trained_on=known.trained_on if known is not None else None if run is None else _photographs(run),
        made=known.made if known is not None else {} if run is None else how_made(run),
        figures=figures,
        protocol=protocol,
        pictures={} if run is None else _copy_pictures(run, folder),
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        version=__version__,
    )
    write_text(folder / "README.md", card.markdown())
    write_text(folder / "LICENSE", f"SPDX-License-Identifier: {licence}\n")


def _class_name(config: Mapping[str, Any]) -> str:
    return str(config.get("_target_")).rpartition(".")[2]


def _settings(run: Path) -> Mapping[str, Any]:
    from splatsr.disk.read_back import read_yaml

    content = read_yaml(run / "config.yaml")
    return content if isinstance(content, dict) else {}


def _photographs(run: Path) -> str | None:
    """Which photographs, as the settings of the run name them, without places of this machine."""
    data = _settings(run).get("data")
    train = data.get("train") if isinstance(data, dict) else None
    if isinstance(train, Mapping):
        return f"`{train.get('_target_')}`"
    parts = [train] if isinstance(train, str) else train if isinstance(train, list) else []
    return ", ".join(f"`{Path(str(one)).name if Path(str(one)).is_absolute() else one}`" for one in parts) or None


def command_of(run: Path) -> str | None:
    """The command of the run; folders of this machine are replaced by their names."""
    from splatsr.disk.read_back import read_yaml

    if not (run / "overrides.yaml").is_file():
        return None
    asked = read_yaml(run / "overrides.yaml")
    arguments = [str(one) for one in asked] if isinstance(asked, list) else []
    hidden = [re.sub(r"(?<=[=\[,'\"])[/~][^,\]'\"]*", "<folder>", one) for one in arguments]
    return " ".join(["splatsr", "train", *(one for one in hidden if not one.startswith(("hydra.", "job=", "resume=")))])


def how_made(run: Path) -> dict[str, str]:
    """How the training went, as env.txt and the logs of the run say it."""
    said: dict[str, str] = {}
    if (run / "env.txt").is_file():
        lines = (line.partition(": ") for line in (run / "env.txt").read_text(encoding="utf-8").splitlines())
        found = {name: value for name, _, value in lines}  # of several paragraphs the last
        said = {name: found[name] for name in ("date", "seed", "commit", "splatsr", "torch", "machine") if name in found}
    steps, seconds = _spent(run)
    if steps:
        from splatsr.training.duration import in_words

        said["length"] = f"{steps:,} steps, {in_words(seconds)}"
    return said


def _spent(run: Path) -> tuple[int, float]:
    """(steps, seconds) of the training, from its log of images per second; zeros where there is none."""
    batch = (_settings(run).get("data") or {}).get("batch_size")
    speeds: dict[int, float] = {}  # by step: a part that was repeated after a kill counts once
    for log in sorted(run.glob("logs/version_*/metrics.csv")):
        with log.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("train/images_per_second"):
                    speeds[int(row["step"]) + 1] = float(row["train/images_per_second"])
    steps = max(speeds, default=0)
    if not steps or not isinstance(batch, int):
        return 0, 0.0
    return steps, steps * batch * sum(1 / speed for speed in speeds.values()) / len(speeds)


def _figures(run: Path) -> tuple[str | None, list[list[str]]]:
    """(protocol, rows of the card's table) of metrics.json; nothing where the run has none."""
    if not (run / "metrics.json").is_file():
        return None, []
    from splatsr.metrics.figure import BICUBIC, MODEL, scale_name
    from splatsr.metrics.record import read_record

    record = read_record(run / "metrics.json")
    of_bicubic = {one[:3]: one.value for one in record.evaluation.figures if one.method == BICUBIC}
    return str(record.protocol["name"]), [
        [
            one.set_name,
            scale_name(one.scale),
            one.metric,
            _shown(of_bicubic[one[:3]], one.metric) if one[:3] in of_bicubic else "",
            _shown(one.value, one.metric),
        ]
        for one in record.evaluation.figures
        if one.method == MODEL
    ]


def _shown(value: float, metric: str) -> str:
    return f"{value:.{2 if metric.startswith(('psnr', 'fid')) else 4}f}"


def _copy_pictures(run: Path, folder: Path) -> dict[str, str]:
    """{caption: file}: the curve and one strip, where the run has drawn them."""
    strips = [path for path in sorted((run / "pictures").glob("*-x*.png")) if "-step" not in path.name]
    chosen = {
        "PSNR over the scale": run / "pictures" / "psnr.png",
        "LR, bicubic, this model, HR": strips[0] if strips else None,
    }
    from splatsr.disk.whole_file import whole_file

    copied = {}
    for caption, path in chosen.items():
        if path is not None and path.is_file():
            with whole_file(folder / path.name) as partial:
                shutil.copyfile(path, partial)
            copied[caption] = path.name
    return copied
