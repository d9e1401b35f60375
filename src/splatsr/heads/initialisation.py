"""First weights of a ContinuousSR model: as published, or such that random weights train at once."""

from typing import Protocol, runtime_checkable

import torch
from torch import nn

from splatsr.heads.cgm import CGM


@runtime_checkable
class HasHeads(Protocol):
    """What is initialised: the parts of a ContinuousSR."""

    encoder: nn.Module
    unshuffle: nn.PixelUnshuffle
    ddcw: nn.Module
    apd: nn.Module
    cgm: CGM
    level: float


def published(model: HasHeads) -> None:
    """Xavier-uniform MLPs with zero biases, PyTorch's defaults elsewhere. The published recipe needs a pretrained encoder."""
    for head in (model.ddcw, model.apd, model.cgm):
        for layer in head.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)


@torch.no_grad()
def blurred_lr(model: HasHeads) -> None:
    """PyTorch's defaults, except that the first field renders the LR image, slightly blurred:

    - shape: queries are zero, so the weights are uniform and every kernel has the dictionary's mean row;
    - position: the last layer's bias puts every kernel at the centre of its own cell;
    - colour: LR / level at that place, `level` being what a constant field of mean kernels sums to. With the colour skip the
      MLP starts at zero; without, the encoder and the MLP are set to carry the LR image through (nearest neighbour).
    """
    model.ddcw.start_typical()
    model.apd.start_centred()
    if model.cgm.skip:
        nn.init.zeros_(model.cgm.mlp[-1].weight)
        nn.init.zeros_(model.cgm.mlp[-1].bias)
    else:
        matrix, offset = model.encoder.carry_rgb()
        cells = model.unshuffle.downscale_factor**2
        model.cgm.read_rgb(matrix.repeat_interleave(cells, dim=1) / cells, offset, gain=1 / model.level)
