"""Features by pixel: encoded once, looked up for every query."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import conv2d

from splatsr.encoders.encoder import Encoder


@dataclass(frozen=True, eq=False)
class FeatureGrid:
    """A batch of feature maps as the rows of one table.

    Attributes:
        rows: (B * h * w, C), the pixels of the first image row by row, then those of the second.
        size: (h, w).
    """

    rows: Float[Tensor, "bhw c"]
    size: tuple[int, int]

    @classmethod
    def of(cls, features: Float[Tensor, "b c h w"]) -> "FeatureGrid":
        """The grid of a batch of feature maps."""
        return cls(features.permute(0, 2, 3, 1).flatten(0, 2), (features.shape[-2], features.shape[-1]))

    def of_image(self, index: int) -> "FeatureGrid":
        """The grid of one image of the batch."""
        count = self.size[0] * self.size[1]
        return FeatureGrid(self.rows[index * count : (index + 1) * count], self.size)

    def at(self, pixels: Int64[Tensor, "b *n row_column=2"]) -> Float[Tensor, "b *n c"]:
        """The features of every image at pixels of its own."""
        height, width = self.size
        first_row = torch.arange(len(pixels), device=pixels.device) * height
        rows = pixels[..., 0] + first_row.view(-1, *[1] * (pixels.ndim - 2))
        return self.rows.index_select(0, (rows * width + pixels[..., 1]).flatten()).view(*pixels.shape[:-1], -1)


def linear_of_unfolded(features: Float[Tensor, "b c h w"], weight: Float[Tensor, "out nine_c"]) -> Float[Tensor, "b out h w"]:
    """weight @ (the 3x3 neighbourhood of every pixel, zeros beyond the border), without writing the neighbourhoods down.

    The LIIF family's feature unfolding followed by a linear layer is a 3x3 convolution: entry c * 9 + 3 * i + j of the
    unfolded features is channel c at neighbour (i, j), the order in which a convolution keeps its weights.
    """
    return conv2d(features, weight.reshape(len(weight), features.shape[1], 3, 3), padding=1)


def lr_channels(encoder: Encoder) -> int:
    """Channels of an encoder's features; ValueError unless they lie on the LR grid, one per LR pixel."""
    if encoder.upscale != 1:
        raise ValueError(f"this method takes features on the LR grid; set encoder.upscale=1 (it is {encoder.upscale}).")
    return encoder.out_channels
