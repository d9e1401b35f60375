"""What an ONNX file computes of a ContinuousSR: the field of an image, or that of a rectangle of one that comes in tiles."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from splatsr.image.field import GaussianField
from splatsr.image.tiling import counted_from
from splatsr.models.continuoussr import ContinuousSR
from splatsr.onnx_files.plain_parts import counted, plain

Kernels = tuple[Float[Tensor, "1 n xy=2"], Float[Tensor, "1 n l11_l21_l22=3"], Float[Tensor, "1 n rgb=3"]]
"""A field's means, Cholesky rows and colors."""


class WholeImage(nn.Module):
    """An image to its field, the margin included: the kernels of `model(lr)`, in their order.

    Args:
        model: in eval mode.
    """

    inputs = ("lr",)

    def __init__(self, model: ContinuousSR) -> None:
        super().__init__()
        self.model = plain(model)

    def forward(self, lr: Float[Tensor, "1 3 h w"]) -> Kernels:
        return _kernels(self.model.forward(lr))

    def example(self, lr: Float[Tensor, "1 3 h w"]) -> tuple[Tensor, ...]:
        """Inputs, of an image."""
        return (lr,)

    def pair(
        self, model: ContinuousSR, inputs: tuple[Tensor, ...], found: tuple[Tensor, ...]
    ) -> tuple[GaussianField, GaussianField]:
        """(The field of the model, the field that was found for the same inputs)."""
        field = model(inputs[0])
        means, cholesky, colors = found
        return field, GaussianField(means, cholesky, colors, field.size, field.reference_scale, field.margin)


class Tile(nn.Module):
    """A piece of an image that was continued and cut outside, to the field of a rectangle in it.

    `part` is (top, bottom, left, right), whole LR pixels of the piece: the encoder sees all of the piece, the heads the
    rectangle alone, and positions count from the rectangle's corner. Kernels within `heads_see` LR pixels of its edges are
    right only where the edge is the image's.

    Args:
        model: in eval mode.
    """

    inputs = ("lr", "part")

    def __init__(self, model: ContinuousSR) -> None:
        super().__init__()
        self.model = plain(model)

    def forward(self, lr: Float[Tensor, "1 3 h w"], part: Int64[Tensor, "top_bottom_left_right=4"]) -> Kernels:
        top, bottom, left, right = part.unbind()
        per_side = self.model.per_side
        rows, columns = counted(top, bottom), counted(left, right)
        cells = [counted(per_side * first, per_side * end) for first, end in ((top, bottom), (left, right))]
        features = self.model.unshuffle(self.model.encoder(lr))
        features = features.index_select(-2, cells[0]).index_select(-1, cells[1])
        return _kernels(self.model.decode(features, lr.index_select(-2, rows).index_select(-1, columns)))

    def example(self, lr: Float[Tensor, "1 3 h w"]) -> tuple[Tensor, ...]:
        """Inputs: a piece of at least 16x16 pixels, and a rectangle at two of its edges."""
        height, width = lr.shape[-2:]
        return lr, torch.tensor([2, height, 0, width - 3])

    def pair(
        self, model: ContinuousSR, inputs: tuple[Tensor, ...], found: tuple[Tensor, ...]
    ) -> tuple[GaussianField, GaussianField]:
        """(What the model makes of that part of the rectangle which is right, what was found for it)."""
        lr, (top, bottom, left, right) = inputs[0], inputs[1].tolist()
        see = self.model.heads_see
        rows, columns = (top + see, bottom), (left, right - see)
        means, cholesky, colors = found
        field = GaussianField(means, cholesky, colors, (bottom - top, right - left), model.reference_scale)
        return (
            model.part(lr, rows=rows, columns=columns),
            field.crop(rows=counted_from(top, rows), columns=counted_from(left, columns)),
        )


def _kernels(field: GaussianField) -> Kernels:
    return field.means, field.cholesky, field.colors
