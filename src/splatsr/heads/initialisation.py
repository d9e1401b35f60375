"""First weights of a ContinuousSR model: as published, or such that random weights train at once."""

from typing import Protocol, runtime_checkable

import torch
from torch import nn

from splatsr.encoders.encoder import Encoder
from splatsr.heads.cgm import CGM
from splatsr.heads.positions_head import PositionsHead
from splatsr.heads.shapes_head import ShapesHead


@runtime_checkable
class HasHeads(Protocol):
    """What is initialised: the parts of a ContinuousSR."""

    encoder: Encoder
    unshuffle: nn.PixelUnshuffle
    ddcw: ShapesHead
    apd: PositionsHead
    cgm: CGM
    dc_gain: float
    may_collapse: bool
    """Whether training from these weights is known to end in fields that show nothing."""


def published(model: HasHeads) -> None:
    """Xavier-uniform MLPs with zero biases, PyTorch's defaults elsewhere. The published recipe needs a pretrained encoder.

    Sets `may_collapse` where the encoder is known not to train from random weights under this initialisation.
    """
    for head in (model.ddcw, model.apd, model.cgm):
        for layer in head.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
    model.may_collapse = model.encoder.collapses_from_random


@torch.no_grad()
def blurred_lr(model: HasHeads) -> None:
    """PyTorch's defaults, except that the first field renders the LR image, slightly blurred:

    - shape: queries are zero, so the weights are uniform and every kernel has the dictionary's mean row;
    - position: the last layer's bias puts every kernel at the centre of its own cell;
    - color: LR / dc_gain there, `dc_gain` being what a constant field of mean kernels sums to. With the color skip the MLP
      starts at zero; without, the encoder and the MLP are set to pass the LR image through unchanged (nearest neighbour).
    """
    model.ddcw.start_at_mean_row()
    model.apd.start_centred()
    if model.cgm.skip:
        model.cgm.start_at_zero()
    else:
        matrix, offset = model.encoder.initialise_identity()
        cells = model.unshuffle.downscale_factor**2
        model.cgm.start_affine(matrix.repeat_interleave(cells, dim=1) / cells, offset, gain=1 / model.dc_gain)
