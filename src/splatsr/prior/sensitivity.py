"""The same noise on an image and on the kernels that show it (ContinuousSR section 4.2: 26.31 against 13.83 dB at x1).

The paper gives no law of the noise. It is normal, independent and added to GaussianImage's raw parameters here: positions
before their tanh, Cholesky entries (in pixels), colors. As positions are normalised, the same deviation is more pixels in a
larger crop.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.image.field import GaussianField
from splatsr.image.psnr import psnr

Noise = Callable[[Tensor], Tensor]
"""Normal noise of the shape of a tensor."""


def noisy_image(image: Float[Tensor, "b 3 h w"], noise: Noise) -> Float[Tensor, "b 3 h w"]:
    """Noise on an image in [0, 1], clamped to it again."""
    return (image + noise(image)).clamp(0, 1)


def raw_position(field: GaussianField, noise: Noise) -> GaussianField:
    """Before the tanh: tanh(atanh(x) + n) = (x + tanh n) / (1 + x tanh n), which needs no atanh of a saturated x."""
    extent = field.means.new_tensor([field.size[1], field.size[0]])
    x = 2 * (field.means - 0.5) / extent - 1
    step = torch.tanh(noise(x))
    return replace(field, means=((x + step) / (1 + x * step) + 1) * extent / 2 + 0.5)


def normalised_position(field: GaussianField, noise: Noise) -> GaussianField:
    """After the tanh: positions in (-1, 1)."""
    extent = field.means.new_tensor([field.size[1], field.size[0]])
    return replace(field, means=field.means + noise(field.means) * extent / 2)


def pixel_position(field: GaussianField, noise: Noise) -> GaussianField:
    """Positions in pixels: a deviation of 0.05 is a twentieth of a pixel, whatever the crop's size."""
    return replace(field, means=field.means + noise(field.means))


def cholesky_entries(field: GaussianField, noise: Noise) -> GaussianField:
    """l11, l21, l22 in pixels."""
    return replace(field, cholesky=field.cholesky + noise(field.cholesky))


def peak_colors(field: GaussianField, noise: Noise) -> GaussianField:
    """The kernels' colors."""
    return replace(field, colors=field.colors + noise(field.colors))


GROUPS: dict[str, tuple[Callable[[GaussianField, Noise], GaussianField], ...]] = {
    "all raw parameters": (raw_position, cholesky_entries, peak_colors),
    "all, position after tanh": (normalised_position, cholesky_entries, peak_colors),
    "all, position in pixels": (pixel_position, cholesky_entries, peak_colors),
    "position, raw": (raw_position,),
    "position, in pixels": (pixel_position,),
    "Cholesky entries": (cholesky_entries,),
    "colors": (peak_colors,),
}
"""What the noise is added to."""


@torch.no_grad()
def measure(
    field: GaussianField, truth: Float[Tensor, "b 3 h w"], *, deviation: float, seed: int
) -> dict[str, Float[Tensor, " b"]]:
    """PSNR (dB, RGB, clamped) of every crop of a fitted field at x1, under noise of that standard deviation.

    "image" is noise on the rendered image, compared with the clean one (the paper's "image space") and with the truth; every
    group of `GROUPS` is compared with the truth.
    """
    draw = torch.Generator().manual_seed(seed)

    def noise(like: Tensor) -> Tensor:
        return deviation * torch.randn(like.shape, generator=draw)

    clean = field.render(scale=1).clamp(0, 1)
    degraded = noisy_image(clean, noise)
    found = {
        "no noise": psnr(clean, truth).float(),
        "image, against the fit": psnr(degraded, clean).float(),
        "image": psnr(degraded, truth).float(),
    }
    for name, changes in GROUPS.items():
        changed = field
        for change in changes:
            changed = change(changed, noise)
        found[name] = psnr(changed.render(scale=1).clamp(0, 1), truth).float()
    return found
