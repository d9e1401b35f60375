"""GaussianField: a batch of images as 2D Gaussian kernels, independent of any scale."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from splatsr.errors import InputError
from splatsr.geometry import Number, Scale, resolve_output
from splatsr.splatting import splat
from splatsr.splatting.footprint import REFERENCE_SCALE, check_reference_scale, excess, samples_per_pixel, widen

MODES = ("footprint", "exact", "tiles", "first256", "supersample")
"""How `GaussianField.render` makes a pixel."""

_FORMAT = "splatsr.GaussianField"


@dataclass(frozen=True, eq=False)
class GaussianField:
    """2D Gaussian kernels in low-resolution pixels (LR pixel k covers [k, k + 1]).

    Args:
        means: centres (x, y), (B, N, 2).
        cholesky: (l11, l21, l22) of L = [[l11, 0], [l21, l22]], Sigma = L L^T, (B, N, 3). x comes first.
        colors: the kernels' peaks, (B, N, C), unbounded; RGB in [0, 1] after summing.
        size: (h, w), the extent of the low-resolution image.
        reference_scale: the smallest scale whose pixels the kernels were fitted to by point sampling: below it rendering adds
            the footprint of the larger pixels. 0: nowhere; infinity: everywhere, for kernels that were fitted with it.
    """

    means: Float[Tensor, "b n 2"]
    cholesky: Float[Tensor, "b n 3"]
    colors: Float[Tensor, "b n c"]
    size: tuple[int, int]
    reference_scale: Number = REFERENCE_SCALE

    def __post_init__(self) -> None:
        check_reference_scale(self.reference_scale)

    def __len__(self) -> int:
        """Kernels per image, N."""
        return self.means.shape[1]

    def render(
        self,
        *,
        size: Sequence[int] | None = None,
        scale: Scale | None = None,
        mode: str = "footprint",
    ) -> Float[Tensor, "b c height width"]:
        """The image at any size, unclamped; differentiable (ContinuousSR section 3.2).

        Give `size` (H, W) or `scale` (one factor, or vertical and horizontal). Centres move by the true ratio (W / w, H / h),
        Cholesky rows by the scale: l11 by s_x, l21 and l22 by s_y, that is Sigma' = S Sigma S with S = diag(s_x, s_y).

        `mode` says what a pixel is. "footprint": below the reference scale the mean over its square (`splatting.footprint`),
        from there on the same as "exact": the value at its centre. "tiles" and "first256": what the published renderer shows
        instead, see `splat`. "supersample": the mean of so many point samples that they reach the reference scale, the truth
        that "footprint" is tested against, at many times its cost.

        Raises:
            InputError: neither or both of size and scale are given, a value is not positive, or the mode is none of `MODES`.
        """
        if mode not in MODES:
            raise InputError(f"mode must be one of {', '.join(MODES)}; got {mode!r}.")
        (height, width), scales = resolve_output(self.size, size=size, scale=scale)
        if mode == "supersample":
            down, across = samples_per_pixel(scales, self.reference_scale)
            means, cholesky = self._at((down * height, across * width), (down * scales[0], across * scales[1]))
            return nn.functional.avg_pool2d(
                splat(means, cholesky, self.colors, (down * height, across * width)), (down, across)
            )
        means, cholesky = self._at((height, width), scales)
        if mode == "footprint":
            cholesky, colors = widen(cholesky, self.colors, excess(scales, self.reference_scale))
            return splat(means, cholesky, colors, (height, width))
        return splat(means, cholesky, self.colors, (height, width), mode)

    def _at(self, size: tuple[int, int], scale: tuple[float, float]) -> tuple[Tensor, Tensor]:
        """(means, Cholesky rows) in pixels of an output of that size and scale."""
        ratio = self.means.new_tensor([size[1] / self.size[1], size[0] / self.size[0]])
        return self.means * ratio, self.cholesky * self.cholesky.new_tensor([scale[1], scale[0], scale[0]])

    def to(self, device: torch.device | str) -> "GaussianField":
        """The same field on another device."""
        return self._each(lambda part: part.to(device))

    def detach(self) -> "GaussianField":
        """The same field, cut from the autograd graph."""
        return self._each(torch.Tensor.detach)

    def _each(self, change) -> "GaussianField":  # noqa: ANN001 - Callable[[Tensor], Tensor]
        return replace(self, means=change(self.means), cholesky=change(self.cholesky), colors=change(self.colors))

    def save(self, path: str | Path) -> None:
        """Writes a safetensors file: tensors `means`, `cholesky`, `colors`; LR extent and reference scale as metadata."""
        tensors = {name: getattr(self, name).detach().cpu().contiguous() for name in ("means", "cholesky", "colors")}
        partial = Path(f"{path}.partial")
        facts = {"size": json.dumps(list(self.size)), "reference_scale": json.dumps(self.reference_scale)}
        save_file(tensors, partial, metadata={"format": _FORMAT, **facts})
        os.replace(partial, path)

    @classmethod
    def load(cls, path: str | Path) -> "GaussianField":
        """Reads a file that `save` wrote, onto the CPU.

        Raises:
            InputError: the file is missing, damaged, or not a field.
        """
        if not Path(path).is_file():
            raise InputError(f"{path}: no such file; expected a field written by GaussianField.save.")
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != _FORMAT:
                    raise InputError(f"{path} is not a saved GaussianField (format {metadata.get('format')!r}).")
                tensors = {name: file.get_tensor(name) for name in ("means", "cholesky", "colors")}
        except SafetensorError as error:
            raise InputError(f"{path} is damaged or not a safetensors file ({error}).") from error
        height, width = json.loads(metadata["size"])
        reference_scale = json.loads(metadata.get("reference_scale", str(REFERENCE_SCALE)))
        return cls(**tensors, size=(height, width), reference_scale=reference_scale)
