"""What ContinuousSR asks of a head that makes the kernels' centres (`heads.apd`, `heads.anchors`, `heads.free`)."""

from torch import nn

from splatsr.geometry import Number


class PositionsHead(nn.Module):
    """The base of these heads; `forward` takes features, one per kernel (B, N, C), and the LR image's (h, w) to centres
    (B, N, xy) in LR pixels; with `chosen` (B, N) it need not work for the others, whose centres then mean nothing.

    Attributes:
        offset_range: largest offset from the corner of a kernel's cell along either axis, in LR pixels; infinity: no limit.
    """

    offset_range: Number

    def start_centred(self) -> None:
        """Re-initialises such that every kernel sits at the centre of its own cell, or as near as the head allows."""
        raise NotImplementedError
