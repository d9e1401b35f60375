"""How much memory a model takes, and how large a tile it may therefore get."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import psutil
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from splatsr.image.continuous_image import ContinuousImage
from splatsr.image.tiling import Tiling

MOST = 0.75 * 2**30
"""Bytes that tiles may take on a CPU, however much is free: larger tiles hardly save work, and the caches like smaller ones."""

LARGEST, SMALLEST = 1024, 16
"""Sides of tiles, in LR pixels: beyond the first little overlap is left to save, below the second it is nearly all the work."""

STEP = 16

UNSEEN = 1.5
"""Bytes that the process takes for each byte of tensors: work space of convolutions, and what the allocator keeps."""

PROBES = (64, 96)
"""Sides of two squares of LR pixels; from the first on all chunks (heads.mlp, heads.ddcw) are full."""

QUICK_PROBES = (32, 48)
"""A quarter of the work. They take some of what is fixed for something that grows, and so err to the safe side."""


WHOLE_PROBES = (48, 96)
"""For models that see images as a whole: multiples of all windows that images are filled up to."""

WORTH_MEASURING = 512**2
"""Pixels below which nobody need know beforehand what an image takes that is seen as a whole."""


class Need(NamedTuple):
    """Bytes: `fixed`, `per_pixel` more for each LR pixel that is encoded at once, of which `kept` stay in the result."""

    fixed: float
    per_pixel: float
    kept: float


class _Tally(TorchDispatchMode):
    """Counts the bytes of all tensors that are made in it and still alive."""

    def __init__(self) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._known: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled within it, and torch would import its compiler to make sure of that

    def __torch_dispatch__(self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None):  # noqa: ANN204
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and (storage := tensor.untyped_storage()) not in self._known:
                self._known[storage] = storage.nbytes()
                self.live += storage.nbytes()
                weakref.finalize(storage, self._release, storage.nbytes())
        self.peak = max(self.peak, self.live)
        return result

    def _release(self, size: int) -> None:
        self.live -= size


def measure_whole(model: nn.Module, device: torch.device, scale: tuple[float, float] | None) -> Need:
    """What the model needs for LR images and what is made of them as a whole, measured likewise.

    `scale` is that of outputs that come in one piece. None: they come in strips, so that they take nothing; what is decoded for
    the whole LR image shows in a tiny output.
    """
    if scale is None:
        return measure(model, device, WHOLE_PROBES, lambda image: image.render(size=(4, 4)))
    least, most = (max(round(side / max(scale)), 1) for side in WHOLE_PROBES)
    return measure(model, device, (least, max(most, 2 * least)), lambda image: image.render(scale=scale))


@torch.inference_mode()
def measure(
    model: nn.Module,
    device: torch.device,
    probes: tuple[int, int] = PROBES,
    then: Callable[[ContinuousImage], Any] = lambda _: None,
) -> Need:
    """What the model needs to encode LR images, measured on two small ones (with blank content) of these sides; and what comes
    `then`."""
    peaks, kept = [], []
    for side in probes:
        lr = torch.zeros(1, 3, side, side, device=device)
        with _Tally() as tally:
            image = model(lr)
            then(image)
        peaks.append(tally.peak)
        kept.append(tally.live)
        del image
    areas = [(side + 2 * getattr(model, "margin", 0)) ** 2 for side in probes]
    per_pixel = (peaks[1] - peaks[0]) / (areas[1] - areas[0])
    return Need(max(peaks[0] - per_pixel * areas[0], 0), per_pixel, kept[1] / areas[1])


def budget(device: torch.device) -> float:
    """Bytes that tiles may take: half of what is free, on a CPU `MOST`."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] / 2
    return min(psutil.virtual_memory().available / 2, MOST)


def largest_tile(need: Need, tiling: Tiling, width: int, available: float) -> int:
    """Side of the largest square tile whose encoding fits, beside what a row of tiles `width` LR pixels wide leaves behind.

    That row is there once while the last of its tiles is encoded, and three times while it is put together and rendered. At
    least `SMALLEST`, whatever fits.
    """
    for tile in range(LARGEST, SMALLEST, -STEP):
        encoded = UNSEEN * (need.fixed + need.per_pixel * (tile + 2 * tiling.overlap) ** 2)
        row = need.kept * width * tile
        if max(encoded + row, 3 * row) <= available:
            return tile
    return SMALLEST


def is_exhausted(error: BaseException) -> bool:
    """Whether the error says that memory has run out, on whichever device."""
    message = str(error)
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        phrase in message for phrase in ("not enough memory", "DefaultCPUAllocator", "ALLOC_FAILED")
    )
