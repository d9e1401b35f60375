"""precision=auto: enlargements in bfloat16 where the device computes in it, the image is large, and no level is lost.

How far half precision moves a level depends on the weights, and no table could hold those of all users: it is measured on a
crop of the image itself. What decides is the device, the size and the crop, no clock: the same command gives the same picture.
"""

import logging

import torch

from splatsr.image.model import Model
from splatsr.image.precision import has_bfloat16
from splatsr.resize.levels import Levels, to_tensor

log = logging.getLogger(__name__)

LARGE = 512**2
"""LR pixels from which on a crop costs less than what is saved on the whole."""

CROP = 64

WITHIN = 0.75
"""Levels of 255 by which a crop's pixels may differ, so that the whole image's stay within 1 (benchmarks/precision.py)."""


def precision_for(model: Model, lr: Levels, device: torch.device) -> torch.dtype:
    """bfloat16 or float32, for an image (h, w, channels) of 8 or 16 bits that is enlarged with a model in eval mode."""
    if not model.has_weights or lr.shape[0] * lr.shape[1] < LARGE or not has_bfloat16(device):
        return torch.float32
    top, left = ((side - CROP) // 2 for side in lr.shape[:2])
    off = _difference(model, lr[max(top, 0) :, max(left, 0) :][:CROP, :CROP], device)
    chosen = torch.bfloat16 if off <= WITHIN else torch.float32
    log.info("bfloat16 moves the levels of a crop by up to %.2g: the networks compute in %s", off, str(chosen)[6:])
    return chosen


@torch.inference_mode()
def _difference(model: Model, crop: Levels, device: torch.device) -> float:
    """By how many levels of 255 a crop differs between the two precisions, at x2."""
    lr, before, rendered = to_tensor(crop)[None].to(device), model.precision, []
    try:
        for model.precision in (torch.float32, torch.bfloat16):
            rendered.append(model(lr).render(scale=2).clamp(0, 1))
    finally:
        model.precision = before
    return 255 * (rendered[0] - rendered[1]).abs().max().item()
