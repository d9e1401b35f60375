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
from torch import Tensor

from splatsr.errors import InputError
from splatsr.geometry import Scale, resolve_output
from splatsr.splatting import splat

_FORMAT = "splatsr.GaussianField"


@dataclass(frozen=True, eq=False)
class GaussianField:
    """2D Gaussian kernels in low-resolution pixels (LR pixel k covers [k, k + 1]).

    Args:
        means: centres (x, y), (B, N, 2).
        cholesky: (l11, l21, l22) of L = [[l11, 0], [l21, l22]], Sigma = L L^T, (B, N, 3). x comes first.
        colors: the kernels' peaks, (B, N, C), unbounded; RGB in [0, 1] after summing.
        size: (h, w), the extent of the low-resolution image.
    """

    means: Float[Tensor, "b n 2"]
    cholesky: Float[Tensor, "b n 3"]
    colors: Float[Tensor, "b n c"]
    size: tuple[int, int]

    def __len__(self) -> int:
        """Kernels per image, N."""
        return self.means.shape[1]

    def render(
        self,
        *,
        size: Sequence[int] | None = None,
        scale: Scale | None = None,
        mode: str = "exact",
    ) -> Float[Tensor, "b c height width"]:
        """The image at any size, unclamped; differentiable (ContinuousSR section 3.2; see `splat` for `mode`).

        Give `size` (H, W) or `scale` (one factor, or vertical and horizontal). Centres move by the true ratio (W / w, H / h),
        Cholesky rows by the scale: l11 by s_x, l21 and l22 by s_y, that is Sigma' = S Sigma S with S = diag(s_x, s_y).

        Raises:
            InputError: neither or both are given, or a value is not positive.
        """
        (height, width), (scale_y, scale_x) = resolve_output(self.size, size=size, scale=scale)
        ratio = self.means.new_tensor([width / self.size[1], height / self.size[0]])
        stretch = self.cholesky.new_tensor([scale_x, scale_y, scale_y])
        return splat(self.means * ratio, self.cholesky * stretch, self.colors, (height, width), mode)

    def to(self, device: torch.device | str) -> "GaussianField":
        """The same field on another device."""
        return self._each(lambda part: part.to(device))

    def detach(self) -> "GaussianField":
        """The same field, cut from the autograd graph."""
        return self._each(torch.Tensor.detach)

    def _each(self, change) -> "GaussianField":  # noqa: ANN001 - Callable[[Tensor], Tensor]
        return replace(self, means=change(self.means), cholesky=change(self.cholesky), colors=change(self.colors))

    def save(self, path: str | Path) -> None:
        """Writes a safetensors file: tensors `means`, `cholesky`, `colors` and the LR extent in its metadata."""
        tensors = {name: getattr(self, name).detach().cpu().contiguous() for name in ("means", "cholesky", "colors")}
        partial = Path(f"{path}.partial")
        save_file(tensors, partial, metadata={"format": _FORMAT, "size": json.dumps(list(self.size))})
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
        return cls(**tensors, size=(height, width))
