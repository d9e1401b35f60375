"""An LR picture to its whole field, in tiles where it is large, so that no network sees more than a tile at once."""

import numpy as np
import torch
from jaxtyping import UInt8

from splatsr.checkpoints.choice import device_of
from splatsr.errors import InputError
from splatsr.image.field import GaussianField
from splatsr.image.finite import check_image
from splatsr.image.model import Model
from splatsr.image.tiling import counted_from, cut, seen
from splatsr.resize.levels import to_tensor

WHOLE = 256
"""LR pixels along a side up to which a picture is encoded at once; also the side of a tile."""


@torch.inference_mode()
def field_of(model: Model, lr: UInt8[np.ndarray, "h w 3"]) -> GaussianField:
    """The field that the model makes of an RGB picture, on the CPU.

    Raises:
        InputError: the model's images do not consist of kernels, or one of them is not finite.
    """
    margin = 0 if model.tiling is None else model.margin
    if model.tiling is None or max(lr.shape[:2]) + 2 * margin <= WHOLE:
        return _encoded(model, lr)
    _encoded(model, lr[:1, :1])  # whether it makes kernels at all
    image = np.pad(lr, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")  # as `image.border` does
    height, width = image.shape[:2]
    tiles = []
    for rows in cut((0, height), tile=WHOLE, multiple=model.tiling.multiple):
        band = []
        for columns in cut((0, width), tile=WHOLE, multiple=model.tiling.multiple):
            (top, bottom), (left, right) = seen(rows, height, model.tiling), seen(columns, width, model.tiling)
            around = to_tensor(image[top:bottom, left:right])[None].to(device_of(model))
            part = model.part(around, rows=counted_from(top, rows), columns=counted_from(left, columns))
            check_image(part, model)
            band.append(part.to("cpu"))
        tiles.append(band)
    return GaussianField.join(tiles).framed(margin)


def _encoded(model: Model, lr: UInt8[np.ndarray, "h w 3"]) -> GaussianField:
    image = model(to_tensor(lr)[None].to(device_of(model)))
    if not isinstance(image, GaussianField):
        raise InputError(
            f"{type(model).__name__} makes no kernels, which the page is about; choose a ContinuousSR model, such as tiny."
        )
    check_image(image, model)
    return image.to("cpu")
