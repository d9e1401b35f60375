"""ContinuousSR with every encoder, small, and with every head, for tests of what is exported of them."""

import torch

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.models.continuoussr import ContinuousSR

_LIGHT = ("model=continuoussr_tiny", "model.encoder.upscale=2")
_WINDOWS = (
    "model.encoder.channels=12",
    "model.encoder.depths=[2,2]",
    "model.encoder.heads=[2,2]",
    "model.encoder.out_channels=8",
)

ENCODERS = {
    "edsr": (*_LIGHT, "model.encoder.blocks=2"),
    "rdn": (*_LIGHT, "model/encoder=rdn", "model.encoder.blocks=2", "model.encoder.layers=2", "model.encoder.channels=16"),
    "large_kernels": (*_LIGHT, "model/encoder=large_kernels_tiny", "model.encoder.blocks=2"),
    "swinir": ("model=continuoussr_tiny", "model/encoder=swinir", *_WINDOWS),
    "hat": ("model=continuoussr_tiny", "model/encoder=hat", *_WINDOWS, "model.encoder.squeeze=3"),
}

HEADS = {
    "free_and_regressed": ("model/positions=free_tiny", "model/shapes=regressed_tiny"),
    "anchors_and_grey": ("model/positions=anchors", "model/colors/grey=kept"),
    "merged": ("model/flat_pixels=merged",),
    "one_kernel_bicubic": (
        *("model.kernels_per_pixel=1", "model.colors.skip_rule=bicubic"),
        *("model.margin=7", "model.reference_scale=2"),
    ),
    "without_skip": ("model.colors.skip=false", "model.reference_scale=inf", "model.margin=0"),
}


def small_model(encoder: str = "edsr", heads: str | None = None) -> ContinuousSR:
    """In eval mode; all weights are random, so that every part counts."""
    own = () if heads is None else HEADS[heads]
    model = build(settings_of(*ENCODERS[encoder], *own)["model"]).eval()
    for parameter in model.parameters():
        parameter.data.add_(0.03 * torch.randn_like(parameter))
    return model


def half_flat(height: int, width: int) -> torch.Tensor:
    """An image of which a third is grey and flat."""
    image = torch.rand(1, 3, height, width)
    image[..., : width // 3] = 0.5
    return image
