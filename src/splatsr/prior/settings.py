"""A prior's protocol: what kernels are fitted to, how, and what is made of them. Values and sources stand in conf/prior/."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from torch import Tensor

from splatsr.bounds import AtLeastOne, Count, Positive, Side
from splatsr.prior.dictionaries import check_size
from splatsr.prior.fits import check_kernels
from splatsr.prior.fitting import Fitting


class Sensitivity:
    """Noise that is put on images and on kernels (ContinuousSR section 4.2, see `prior.sensitivity`).

    Args:
        deviations: standard deviations of the noise, greater than 0.
        seeds: repetitions, at least 1.

    Raises:
        InputError: a value is not as above.
    """

    def __init__(self, *, deviations: Annotated[Sequence[Positive], AtLeastOne], seeds: Count) -> None:
        self.deviations, self.seeds = tuple(deviations), seeds


class PriorSettings:
    """What job=fit_prior does, and job=dictionary and job=sensitivity after it.

    Args:
        crops: how many crops of photographs are fitted.
        side: of a crop, pixels.
        batch: crops that are fitted at once, and kept in one file.
        kernels: which kernels statistics and dictionary are made of: "all", or those "visible" in their crop.
        fitting: how a crop is fitted.
        dictionary: Cholesky rows of kernels (N, 3) to the rows of a dictionary, see `prior.dictionaries`.
        sensitivity: of job=sensitivity.

    Raises:
        InputError: a value is not as above.
    """

    def __init__(
        self,
        *,
        crops: Count,
        side: Side,
        batch: Count,
        kernels: Literal["all", "visible"],
        fitting: Fitting,
        dictionary: Callable[[Tensor], Tensor],
        sensitivity: Sensitivity,
    ) -> None:
        check_kernels(kernels)
        self.crops, self.side, self.batch, self.kernels = crops, side, batch, kernels
        self.fitting, self.dictionary, self.sensitivity = fitting, dictionary, sensitivity

    def check_dictionary(self) -> None:
        """InputError where all kernels of all crops would not be enough for the dictionary."""
        check_size(self.dictionary, self.crops * max(1, round(self.fitting.kernels_per_pixel * self.side**2)))

    def describe(self) -> str:
        """One line: what is fitted, and how."""
        how = self.fitting
        return (
            f"{self.crops} crops of {self.side}x{self.side} pixels, {how.kernels_per_pixel:g} kernels per pixel, "
            f"{how.variant}, {how.steps} steps of {how.optimizer} {how.lr:g}, {how.gradient} gradient"
        )
