"""An image continued beyond its border, so that what is made for the border's pixels sees neighbours on all sides."""

import torch
from jaxtyping import Float
from torch import Tensor


def continued(image: Float[Tensor, "b c h w"], margin: int) -> Float[Tensor, "b c height width"]:
    """The image mirrored at its edges, `margin` pixels to each side; the outermost row comes twice (NumPy's `symmetric`)."""
    if not margin:
        return image
    rows, columns = (_mirrored(side, margin, image.device) for side in image.shape[-2:])
    return image.index_select(-2, rows).index_select(-1, columns)


def _mirrored(length: int, margin: int, device: torch.device) -> Tensor:
    """Which of the pixels 0 to length - 1 stands at -margin, ..., length + margin - 1; of short sides each comes often."""
    position = torch.arange(-margin, length + margin, device=device).remainder(2 * length)
    return torch.minimum(position, 2 * length - 1 - position)
