"""The free parameters of GaussianImage: kernels of one image each, that nothing but a fit to the image decides about.

Zhang et al., GaussianImage: 1000 FPS Image Representation and Compression by 2D Gaussian Splatting, ECCV 2024, and its code.
Positions are tanh-ed, so no centre leaves the image; colors and shapes are free. Both variants end as Cholesky rows.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.geometry import Number
from splatsr.splatting.published_gradient import PublishedGradient

BOUND = 0.5
"""Added to l11 and l22, or to both scales, pixels: no kernel starts narrower (published: cholesky_bound, bound)."""


class FreeKernels(nn.Module):
    """Kernels of a batch of images of one size, at their first values.

    Every image draws from a generator of its own, so an image's fit does not depend on which others are in the batch.

    Args:
        variant: "cholesky" (l11, l21, l22) or "rotation_scale" (two scales and an angle).
        count: kernels per image.
        size: (height, width) of the images in pixels.
        seeds: one per image.
        color_range: first colors are uniform in it (published: [0, 1]).
        l21_range: so are first entries l21, in pixels (published: [0, 1]); without effect on "rotation_scale".
        published_gradient: double the off-diagonal term of the covariance's gradient, as the published backward pass does.

    Raises:
        ValueError: the variant is unknown.
    """

    def __init__(
        self,
        *,
        variant: str,
        count: int,
        size: tuple[int, int],
        seeds: Sequence[int],
        color_range: Sequence[Number],
        l21_range: Sequence[Number],
        published_gradient: bool,
    ) -> None:
        super().__init__()
        if variant not in ("cholesky", "rotation_scale"):
            raise ValueError(f"variant must be cholesky or rotation_scale, got {variant!r}.")
        self.variant, self.size, self.published_gradient = variant, size, published_gradient
        uniform = torch.stack([torch.rand(count, 8, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
        position, shape, color = uniform.split((2, 3, 3), dim=-1)
        if variant == "cholesky":
            shape[..., 1] = l21_range[0] + (l21_range[1] - l21_range[0]) * shape[..., 1]
        self.position = nn.Parameter(torch.atanh(2 * position - 1))
        self.shape = nn.Parameter(shape.clone())
        self.color = nn.Parameter(color_range[0] + (color_range[1] - color_range[0]) * color)

    def forward(self) -> tuple[Float[Tensor, "b n xy=2"], Float[Tensor, "b n l11_l21_l22=3"], Float[Tensor, "b n rgb=3"]]:
        """(means, Cholesky rows, colors) as `splat` takes them, in pixels of the fitted image.

        The published code samples pixel k at k; here its centre is at k + 0.5, and so are the kernels half a pixel further.
        """
        height, width = self.size
        means = (torch.tanh(self.position) + 1) * self.position.new_tensor([width / 2, height / 2]) + 0.5
        cholesky = self._cholesky()
        return means, PublishedGradient.apply(cholesky) if self.published_gradient else cholesky, self.color

    def _cholesky(self) -> Float[Tensor, "b n l11_l21_l22=3"]:
        if self.variant == "cholesky":
            return self.shape + self.shape.new_tensor([BOUND, 0.0, BOUND])
        scales, angle = (self.shape[..., :2] + BOUND).abs(), 2 * torch.pi * torch.sigmoid(self.shape[..., 2])
        (first, second), cosine, sine = scales.unbind(-1), torch.cos(angle), torch.sin(angle)
        l11 = torch.hypot(first * cosine, second * sine)
        l21 = (second.square() - first.square()) * sine * cosine / l11
        return torch.stack([l11, l21, first * second / l11], dim=-1)  # l11 l22 = sqrt(det Sigma) = s1 s2, without cancellation
