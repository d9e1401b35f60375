"""JPEG of images that are tensors: the real codec for those in main memory, kornia's approximation on other devices.

kornia's (after Reich et al. 2024) rounds coefficients smoothly, so that it has gradients; nobody here needs them, but it is
the codec that runs where the batch is.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from kornia.enhance import jpeg_codec_differentiable
from torch import Tensor
from torch.nn.functional import pad

from splatsr.data.degradation.jpeg import compressed
from splatsr.resize.levels import to_tensor, to_uint8


def jpeg(images: Sequence[Float[Tensor, "3 _ _"]], qualities: Sequence[int]) -> list[Float[Tensor, "3 _ _"]]:
    """Every image, clamped to [0, 1], at its quality (1 to 100), chroma at half the resolution; sizes may differ."""
    if images[0].device.type == "cpu":
        return [to_tensor(compressed(to_uint8(image), quality)) for image, quality in zip(images, qualities, strict=True)]
    return approximated(images, qualities)


def approximated(images: Sequence[Float[Tensor, "3 _ _"]], qualities: Sequence[int]) -> list[Float[Tensor, "3 _ _"]]:
    """The same by kornia, all images at once: blocks of 16x16 pixels know nothing of each other, so that smaller images are
    filled up, as encoders do it, without an effect on what is cut out again."""
    height, width = (16 * -(-max(image.shape[axis] for image in images) // 16) for axis in (-2, -1))
    filled = [
        pad(image[None].clamp(0, 1), (0, width - image.shape[-1], 0, height - image.shape[-2]), mode="replicate")
        for image in images
    ]
    coded = jpeg_codec_differentiable(torch.cat(filled), torch.tensor(qualities, dtype=torch.float32))
    return [one[:, : image.shape[-2], : image.shape[-1]].clamp(0, 1) for one, image in zip(coded, images, strict=True)]
