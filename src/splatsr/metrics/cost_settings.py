"""What job=benchmark measures: the papers' sums. Values are explained in conf/benchmark/."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from annotated_types import Ge, Le, Len

from splatsr.bounds import AtLeastOne, Count, ImageSize, Ordered, Positive, ScaleFactor, Side
from splatsr.errors import InputError
from splatsr.geometry import check_scale
from splatsr.image.model import Model


class AverageTime:
    """AT (ContinuousSR, Table 1): the mean over many scales of one LR image that is encoded once.

    Args:
        lr_sizes: (height, width) of the LR images, pixels.
        scales: first and last; every whole number from one to the other is measured.
        seconds: budget of rendering per model and LR size; scales beyond it are interpolated by output pixels.

    Raises:
        InputError: a value is not as above.
    """

    def __init__(
        self,
        *,
        lr_sizes: Annotated[Sequence[ImageSize], AtLeastOne],
        scales: Annotated[Sequence[Annotated[int, Ge(1), Le(10_000)]], Len(2, 2), Ordered()],
        seconds: Positive,
    ) -> None:
        for lr_size in lr_sizes:
            _check_size(lr_size, "benchmark.average_time.lr_sizes")
        if len(scales) != 2 or not 1 <= scales[0] <= scales[1]:
            raise InputError(f"benchmark.average_time.scales must be [first, last], 1 <= first <= last; got {list(scales)}.")
        self.lr_sizes = [(height, width) for height, width in lr_sizes]
        self.scales = list(range(scales[0], scales[1] + 1))
        self.seconds = seconds


class OneScale:
    """One image encoded and rendered (ContinuousSR's complexity table, "GT 288").

    Args:
        hr_side: side of the square HR image, pixels.
        scales: at which its LR image is made.

    Raises:
        InputError: a scale is not greater than 0.
    """

    def __init__(self, *, hr_side: Side, scales: Annotated[Sequence[ScaleFactor], AtLeastOne]) -> None:
        for scale in scales:
            check_scale(scale)
        self.hr_side, self.scales = hr_side, list(scales)


class Memory:
    """Peak memory of encoding and of rendering.

    Args:
        lr_size: (height, width) of the LR image, pixels.
        scales: at which it is rendered.

    Raises:
        InputError: a value is not as above.
    """

    def __init__(self, *, lr_size: ImageSize, scales: Annotated[Sequence[ScaleFactor], AtLeastOne]) -> None:
        _check_size(lr_size, "benchmark.memory.lr_size")
        for scale in scales:
            check_scale(scale)
        self.lr_size, self.scales = (lr_size[0], lr_size[1]), list(scales)


class CostSettings:
    """All of it, of which models.

    Args:
        models: by name; none: the configured one.
        repetitions: of which medians are taken, at least 1.
        average_time: AT's LR sizes and scales.
        one_scale: the one image.
        memory: the LR size and scales of peak memory.

    Raises:
        InputError: repetitions is less than 1.
    """

    def __init__(
        self,
        *,
        models: Mapping[str, Model],
        repetitions: Count,
        average_time: AverageTime,
        one_scale: OneScale,
        memory: Memory,
    ) -> None:
        if repetitions < 1:
            raise InputError(f"benchmark.repetitions must be at least 1; got {repetitions}.")
        self.models, self.repetitions = dict(models), repetitions
        self.average_time, self.one_scale, self.memory = average_time, one_scale, memory


def _check_size(size: Sequence[int], name: str) -> None:
    if len(size) != 2 or min(size) < 1:
        raise InputError(f"{name} must be [height, width], both at least 1 pixel; got {list(size)}.")
