"""GSASR's published networks: folders in their form, written from the goldens' weights, and what the published loop makes."""

import math
from pathlib import Path

import torch
from torch import Tensor

from golden import golden_weights
from splatsr.geometry import Output, Strip
from splatsr.models.gsasr import GSASR


def write_folder(folder: Path, metadata: dict, cross_index: Tensor | None = None) -> Path:
    """encoder.pth and decoder.pth with the golden weights, under `params_ema`; other ones under `params`."""
    weights = golden_weights(metadata)
    for name, (dtype, _) in metadata["state_dict"].items():
        if dtype == "int64":
            weights[name] = cross_index if "window_cross_attn" in name else swin_index(12)
    of_encoder = set(metadata["encoder_names"])
    folder.mkdir(exist_ok=True)
    for file, is_encoders in (("encoder.pth", True), ("decoder.pth", False)):
        state = {name: weight for name, weight in weights.items() if (name in of_encoder) == is_encoders}
        earlier = {name: torch.zeros_like(weight) for name, weight in state.items()}
        torch.save({"params": earlier, "params_ema": state}, folder / file)
    return folder


def swin_index(window: int) -> Tensor:
    """Query minus key, vertical slowest, counted from the least: of all pairs of a window's pixels."""
    y, x = (torch.arange(window**2) // window, torch.arange(window**2) % window)
    return (y[:, None] - y + window - 1) * (2 * window - 1) + x[:, None] - x + window - 1


@torch.inference_mode()
def published_image(model: GSASR, lr: Tensor, scale: float) -> Tensor:
    """The published loop's image: floor(scale * side) pixels at the nominal scale."""
    h, w = lr.shape[-2:]
    output = Output((math.floor(scale * h), math.floor(scale * w)), (scale, scale))
    return model(lr).render_strip(Strip(output, (h, w), (0, output.size[0]), origin=0))
