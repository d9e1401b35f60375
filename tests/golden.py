"""Golden cases: inputs and outputs of the published networks; their weights are rebuilt from the entries' names."""

import json
import zlib
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

DATA = Path(__file__).parent / "goldens"


def read_golden(name: str) -> tuple[dict[str, Tensor], dict]:
    """(tensors, metadata) of tests/goldens/<name>.safetensors; metadata values that are JSON are decoded."""
    with safe_open(DATA / f"{name}.safetensors", framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        metadata = {key: _decoded(value) for key, value in file.metadata().items()}
    return tensors, metadata


def golden_weights(metadata: dict) -> dict[str, Tensor]:
    """State dict of the published network: seeded noise from each name, scaled by the fan-in or, for norms, around 1."""
    around_one = tuple(metadata.get("fill_overrides", {}).get("add_one_to_suffix", ()))
    return {
        name: _weight(name, shape) + float(name.endswith(around_one)) for name, (_, shape) in metadata["state_dict"].items()
    }


def _weight(name: str, shape: list[int]) -> Tensor:
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(zlib.crc32(name.encode())))
    if len(shape) >= 2:
        return noise / noise[0].numel() ** 0.5
    if "norm" in name and name.endswith("weight"):
        return 1 + 0.1 * noise
    return 0.02 * noise


def _decoded(value: str) -> object:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
