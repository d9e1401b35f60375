"""What happens to photographs between the lens and the one who wants them larger: blur, resizing, noise and JPEG, twice.

The second-order chain of Real-ESRGAN (Wang et al. 2021, "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure
Synthetic Data", section 3), at any scale. Other steps work on a crop in the loader; this one works on the batch, on the
device that trains. Every image draws all of its chain from a seed of its own, so that its batch mates, the number of loaders
and devices, and torch's global random numbers change nothing. (The published code draws sizes, rules and order once for a
whole batch, and mixes batches in a pool of 180 images to make up for it.)
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from annotated_types import Len
from jaxtyping import Float
from torch import Tensor

from splatsr.bounds import Fraction, Ordered
from splatsr.data.degradation.chain import check_range
from splatsr.data.degradation.filters import MixedBlur, SincFilter
from splatsr.data.degradation.jpeg_on_device import jpeg
from splatsr.data.degradation.mixed_noise import MixedNoise
from splatsr.data.degradation.mixed_resize import MixedResize, resized


class Round:
    """Blur, resizing, noise and JPEG, as one camera or program adds them.

    Args:
        blur: comes first.
        resize: to a drawn multiple of a size that is given for each image.
        noise: of the resized image.
        quality: [smallest, largest] quality of JPEG, 1 to 100, whole numbers, uniform.

    Raises:
        InputError: a quality is out of its bounds.
    """

    def __init__(
        self,
        *,
        blur: MixedBlur,
        resize: MixedResize,
        noise: MixedNoise,
        quality: Annotated[Sequence[int], Len(2, 2), Ordered()],
    ) -> None:
        self.blur, self.resize, self.noise = blur, resize, noise
        low, high = check_range(quality, "camera.quality", 1, 100)
        self.quality = int(low), int(high)

    def before_jpeg(
        self, image: Float[Tensor, "3 _ _"], size: tuple[int, int], random: np.random.Generator
    ) -> Float[Tensor, "3 _ _"]:
        """Blurred, resized to a drawn multiple of `size` (height, width), with noise; in [0, 1]."""
        return self.noise(self.resize(self.blur(image, random), size, random), random)

    def jpeg(
        self, images: Sequence[Float[Tensor, "3 _ _"]], randoms: Sequence[np.random.Generator]
    ) -> list[Float[Tensor, "3 _ _"]]:
        """Every image through JPEG, at a quality of its own."""
        return jpeg(images, [int(random.integers(*self.quality, endpoint=True)) for random in randoms])


class Camera:
    """LR images of a batch of HR images.

    Args:
        first: the first round, whose sizes count in HR pixels.
        second: the second round, whose sizes count in LR pixels.
        sinc: follows the resizing to the LR size.
        resize_first: chance that the resizing and the sinc filter come before the second round's JPEG, not after it.
    """

    def __init__(self, *, first: Round, second: Round, sinc: SincFilter, resize_first: Fraction) -> None:
        self.first, self.second, self.sinc, self.resize_first = first, second, sinc, resize_first

    @torch.no_grad()
    def __call__(
        self, hr: Float[Tensor, "b 3 _ _"] | Sequence[Float[Tensor, "3 _ _"]], size: tuple[int, int], seeds: Sequence[int]
    ) -> Float[Tensor, "b 3 h w"]:
        """The LR images of `size` (height, width), on 8-bit levels in [0, 1], float32, on the device of `hr`.

        Args:
            hr: images in [0, 1]; they may differ in size.
            size: in pixels.
            seeds: of what each image draws.
        """
        randoms = [np.random.default_rng(seed) for seed in seeds]
        images = [
            self.first.before_jpeg(image.float(), (image.shape[-2], image.shape[-1]), random)
            for image, random in zip(hr, randoms, strict=True)
        ]
        images = self.first.jpeg(images, randoms)
        images = [self.second.before_jpeg(image, size, random) for image, random in zip(images, randoms, strict=True)]
        early = [random.random() < self.resize_first for random in randoms]
        images = self._reduce(images, size, randoms, early)
        images = self.second.jpeg(images, randoms)
        images = self._reduce(images, size, randoms, [not one for one in early])
        return (torch.stack(images).clamp(0, 1) * 255).round() / 255

    def _reduce(
        self,
        images: Sequence[Float[Tensor, "3 _ _"]],
        size: tuple[int, int],
        randoms: Sequence[np.random.Generator],
        chosen: Sequence[bool],
    ) -> list[Float[Tensor, "3 _ _"]]:
        """The chosen images resized to the LR size and filtered; the others as they are."""
        return [
            self.sinc(resized(image, size, random), random) if one else image
            for image, random, one in zip(images, randoms, chosen, strict=True)
        ]
