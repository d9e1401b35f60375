"""What ContinuousSR asks of a head that makes the kernels' shapes (`heads.ddcw`, `heads.regressed`)."""

from jaxtyping import Float
from torch import Tensor, nn


class ShapesHead(nn.Module):
    """The base of these heads; `forward` takes features (B, C, h, w) to Cholesky rows (B, h * w, 3) in dictionary units.

    With `chosen` (B, h * w) it need not work for the others, whose rows then mean nothing.
    """

    @property
    def mean_row(self) -> Float[Tensor, "l11_l21_l22=3"]:
        """The row that the first field may start from."""
        raise NotImplementedError

    @property
    def longest_deviation(self) -> float:
        """The longest standard deviation along either axis that a row can have, in dictionary units; infinity: no limit."""
        raise NotImplementedError

    def start_at_mean_row(self) -> None:
        """Re-initialises such that every kernel has `mean_row`."""
        raise NotImplementedError

    def check_area(self) -> None:
        """ValueError where a kernel of `mean_row` would have no area."""
        l11, _, l22 = self.mean_row.tolist()
        if not (l11 > 0 and l22 > 0):
            raise ValueError(
                f"the dictionary's mean row must have l11 and l22 greater than 0, got {l11:g} and {l22:g}: "
                "such kernels have no area."
            )
