"""HAT with rotary positions instead of learned biases: the encoder of GSASR's "ultra" network.

Of the published network its sizes and the names and number of its weights are known here (45,522,352 of them, which this has
too). That queries of a group's last attention count their positions within the square around their window, of which the keys
are, is an assumption: the square has one pair of position buffers.
"""

from torch import Tensor

from splatsr.encoders.hat import HAT, SurroundingAttention
from splatsr.encoders.rotary_positions import add_rotary_positions, angles_of, rotate
from splatsr.encoders.window_attention import RotaryWindowAttention


class RotaryOverlapAttention(SurroundingAttention):
    """With rotary positions; the window lies in the middle of its square."""

    def add_positions(self, width: int) -> None:
        add_rotary_positions(self, heads=self.heads, width=width, side=self.overlap_window)

    def placed(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Both turned by where they are in the square around the window."""
        angles = angles_of(self)
        middle = slice(self.margin, self.margin + self.window)
        of_window = angles.unflatten(1, (self.overlap_window, -1))[:, middle, middle].flatten(1, 2)
        return rotate(q, of_window), rotate(k, angles)


class RotaryHAT(HAT):
    """HAT of attentions with rotary positions. Arguments as those of `HAT`; heads are at least 4 channels wide."""

    attention = RotaryWindowAttention
    surroundings = RotaryOverlapAttention
