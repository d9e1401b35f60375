"""Puts a trained model into the box: its weights in half precision, what is known of it, and its card.

    python benchmarks/release.py RUN NAME --test <Set5> <other folders> --data "257 photographs under ..."

RUN is the folder of a finished training, with data.licence set. Measures the weights as they are shipped. Writes
src/splatsr/released/weights/NAME.safetensors, NAME's entry in src/splatsr/released/models.json, and docs/models/NAME/.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from section import HERE
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import load_weights, read_model, save_model
from splatsr.commands.publish import command_of, how_made, publish
from splatsr.disk.read_back import read_yaml
from splatsr.released.catalogue import Released
from splatsr.runs.configuration import CONF, compose

RELEASED = HERE.parent / "src" / "splatsr" / "released"

SCALES = (2, 3, 4, 6, 8)


def shipped(run: Path, file: Path) -> int:
    """Writes the run's model in half precision; returns the number of its parameters."""
    config, tensors = read_model(str(run / "model.safetensors"))
    model = build(config)
    load_weights(model, tensors, source=str(run))
    model.continue_images()
    save_model(model.half(), {**config, "margin": model.margin}, file)
    return sum(parameter.numel() for parameter in model.parameters())


def measured(file: Path, test: list[Path], folder: Path) -> dict:
    """metrics.json of the file on the test sets."""
    sets = ",".join(str(one.resolve()) for one in test)
    command = [
        *(sys.executable, str(HERE.parent / "run.py"), "job=evaluate", f"checkpoint={file}", "data=folder"),
        *(f"data.test=[{sets}]", f"scales=[{','.join(map(str, SCALES))}]", f"hydra.run.dir={folder}"),
    ]
    subprocess.run(command, check=True)
    return json.loads((folder / "metrics.json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description="Puts a trained model into the box.")
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--test", nargs="+", type=Path, required=True, help="folders; the first is for models.json")
    parser.add_argument("--data", required=True, help="in words, what it was trained on")
    parser.add_argument("--note", help="in words, what else there is to know of how it was made")
    arguments = parser.parse_args()
    run, name = arguments.run, arguments.name
    settings = read_yaml(run / "config.yaml")
    if not settings["data"]["licence"]:
        raise SystemExit(f"{run} was trained without data.licence: nothing says under which licence its weights may go out.")
    file, page = RELEASED / "weights" / f"{name}.safetensors", HERE.parent / "docs" / "models" / name
    parameters = shipped(run, file)
    with tempfile.TemporaryDirectory() as temporary:
        record = measured(file, arguments.test, Path(temporary) / "evaluation")
        card = Path(temporary) / "run"  # its settings and pictures, but the shipped weights and their figures
        card.mkdir()
        for part in ("config.yaml", "overrides.yaml", "env.txt", "logs", "pictures"):
            (shutil.copytree if (run / part).is_dir() else shutil.copyfile)(run / part, card / part)
        for strip in (card / "pictures").glob("*-x*.png"):  # of test images, which are not ours to give away
            strip.unlink()
        shutil.copyfile(file, card / "model.safetensors")
        shutil.copyfile(Path(temporary) / "evaluation" / "metrics.json", card / "metrics.json")
        shutil.rmtree(page, ignore_errors=True)
        page.parent.mkdir(exist_ok=True)
        publish([str(card), "--to", str(page)])
    (page / "model.safetensors").unlink()
    text = (page / "README.md").read_text()
    text = re.sub(r"(?m)^Photographs: .*$", lambda _: f"Photographs: {arguments.data}.", text)
    if arguments.note:
        text = text.replace("- length:", f"- note: {arguments.note}\n- length:")
    (page / "README.md").write_text(text)
    of_first = record["sets"][arguments.test[0].name]
    catalogue = json.loads((RELEASED / "models.json").read_text())
    catalogue[name] = Released(
        file=file.name,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        method=chosen(settings, "model"),
        encoder=chosen(settings, "model/encoder"),
        parameters=parameters,
        licence=settings["data"]["licence"],
        trained_on=arguments.data,
        trained_by=str(command_of(run)),
        made={**how_made(run), "storage": "half precision", **({"note": arguments.note} if arguments.note else {})},
        figures={
            scale: {key: round(values[key], 2) for key in ("psnr_y", "bicubic_psnr_y")} for scale, values in of_first.items()
        },
        measured_on="Set5, which training never saw, protocol L-pil",
        command=f"splatsr evaluate checkpoint={name} data=folder data.test=<Set5> scales=[{','.join(map(str, SCALES))}]",
    )._asdict()
    (RELEASED / "models.json").write_text(json.dumps(catalogue, indent=2) + "\n")


def chosen(settings: dict, group: str) -> str:
    """The option of conf/model, or of conf/model/encoder, that the settings are."""
    part = (lambda model: model) if group == "model" else (lambda model: model["encoder"])
    for path in sorted((CONF / group).glob("*.yaml")):
        if part(compose(f"{group}={path.stem}")["model"]) == part(settings["model"]):
            return path.stem
    raise SystemExit(f"no option of conf/{group} is what the run was trained with.")


if __name__ == "__main__":
    main()
