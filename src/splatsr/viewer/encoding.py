"""An LR picture to its whole field, in tiles where it is large, so that no network sees more than a tile at once."""

import numpy as np
from jaxtyping import UInt8

from splatsr.errors import InputError
from splatsr.image.field import GaussianField
from splatsr.image.model import Model
from splatsr.large_images.renderer import Renderer


def field_of(model: Model, lr: UInt8[np.ndarray, "h w 3"], *, tile: int | str = "auto") -> GaussianField:
    """The field that the model makes of an RGB picture, on the CPU.

    Raises:
        InputError: the model's images do not consist of kernels, one of them is not finite, or memory has run out.
    """
    renderer = Renderer(model, tile)
    if not renderer.makes_fields:
        raise InputError(
            f"{type(model).__name__} makes no kernels, which the page is about; choose a ContinuousSR model, such as tiny."
        )
    bands = [band.to("cpu") for band in renderer.bands(lr, lambda share: None)]
    return bands[0] if renderer.tiling is None else GaussianField.join([[band] for band in bands]).framed(renderer.margin)
