"""Runs with made-up figures, and the papers' tables, for tests of tables and pictures."""

import json
from functools import cache
from pathlib import Path

import yaml

from composed import option_of, protocol_of
from splatsr.metrics.record import SCHEMA
from splatsr.tables.paper import PaperTable


@cache
def paper(name: str) -> PaperTable:
    """The table of conf/table/ with that name."""
    return option_of("table", name)


def toy_run(
    folder: Path, sets: dict[str, dict[str, dict]], *, protocol: str = "l_pil", model: str = "ContinuousSR",
    encoder: str | None = "SwinIR", parameters: int = 15_922_156,
) -> Path:  # fmt: skip
    """Writes a metrics.json into a new folder; `sets` as it has them: {set: {"x4": {"psnr_y": dB}}}."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {name: {scale: {**row, "images": 5} for scale, row in scales.items()} for name, scales in sets.items()}
    record = {
        "schema": SCHEMA, "protocol": protocol_of(protocol).describe(), "checkpoint": "model.safetensors",
        "model": {"name": model, "encoder": encoder, "parameters": parameters},
        "rendering": None, "sets": rows, "images": {}, "missing": {},
    }  # fmt: skip
    (folder / "metrics.json").write_text(json.dumps(record))
    return folder


def urban_run(folder: Path) -> Path:
    """A run on Urban100 under another of its names, and on a set that Table 1 does not have."""
    rows = {"x4": {"psnr_y": 27.6049, "bicubic_psnr_y": 23.1}, "x6": {"psnr_y": 25.1, "bicubic_psnr_y": 21.0}}
    return toy_run(folder, {"urban100": rows, "Set5": {"x2": {"psnr_y": 38.0}}})


def toy_member(folder: Path, index: int, psnr: float | None, *overrides: str) -> None:
    """A multirun's member; without PSNR one that is not finished."""
    member = folder / str(index)
    member.mkdir(parents=True)
    (member / "overrides.yaml").write_text(yaml.safe_dump(["experiment=some", *overrides]))
    if psnr is not None:
        toy_run(member, {"Set5": {"x4": {"psnr_y": psnr, "bicubic_psnr_y": 20.0}}}, encoder="EDSR", parameters=600_000)
