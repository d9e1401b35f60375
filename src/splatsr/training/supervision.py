"""What of a batch is compared in training: whole crops, or pixels of them that are drawn and queried.

Called with the model's image of a batch's LR crops and the batch; returns (prediction, target) for the loss. What is drawn
of a crop depends on the crop's own seed, so that it is the same in whatever parts a batch is taken. `check` is called before
the first batch with any image of the model and what has a scale of its own, "batch" or "crop", and the pixels of the smallest
HR crop.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.bounds import Count
from splatsr.errors import InputError
from splatsr.geometry import pixel_centres
from splatsr.image.continuous_image import ContinuousImage, QueryableImage
from splatsr.image.field import GaussianField
from splatsr.splatting.published_gradient import PublishedGradient


@runtime_checkable
class Supervision(Protocol):
    """What of a batch is compared."""

    def check(self, image: Any, scale_per: str, pixels: int, /) -> None:
        """Called before the first batch with any image of the model, what has a scale of its own ("batch" or "crop"), and how
        many pixels the smallest HR crop has."""
        ...

    def __call__(self, image: Any, batch: Mapping[str, Any], /) -> tuple[Tensor, Tensor]:
        """(prediction, target) of the model's image of a batch's LR crops."""
        ...


class OnCrops:
    """The whole crop, rendered at the batch's scale."""

    def __init__(self) -> None:  # object's own would have no readable signature
        pass

    def check(self, _: ContinuousImage, scale_per: str, __: int) -> None:
        """InputError where the crops of a batch have several scales."""
        if scale_per != "batch":
            raise InputError("supervision=crops renders a batch at one scale; set data.scale_per=batch or supervision=queries.")

    def __call__(
        self, image: ContinuousImage, batch: Mapping[str, Any]
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 3 h w"]]:
        """Both (B, 3, H, W)."""
        return image.render(scale=batch["scale"]), batch["hr"]


class OnCropsAtTrueScale(OnCrops):
    """The whole crop, rendered at the scale that its HR side, in whole pixels, is of its LR side: GSASR's trainings."""

    def __call__(
        self, image: ContinuousImage, batch: Mapping[str, Any]
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 3 h w"]]:
        """Both (B, 3, H, W)."""
        return image.render(size=batch["hr"].shape[-2:]), batch["hr"]


class OnSaturatedCrops(OnCrops):
    """The whole crop, but what lies beyond white where the target is white is no error, nor what lies beyond black.

    Images are clamped before anybody sees them. Sums of Gaussians ripple: a page whose mean is white is grey in its valleys,
    and one whose valleys are white is right everywhere.
    """

    def __call__(
        self, image: ContinuousImage, batch: Mapping[str, Any]
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 3 h w"]]:
        """Both (B, 3, H, W)."""
        prediction, target = super().__call__(image, batch)
        prediction = torch.where(target >= 1, prediction.clamp(max=1), prediction)
        return torch.where(target <= 0, prediction.clamp(min=0), prediction), target


class OnCropsWithPublishedGradient(OnCrops):
    """The whole crop, but the kernels' shapes get the published renderer's gradient, see `splatting.published_gradient`."""

    def check(self, image: ContinuousImage, scale_per: str, pixels: int) -> None:
        """InputError where the model's image is no GaussianField, or the crops of a batch have several scales."""
        super().check(image, scale_per, pixels)
        if not isinstance(image, GaussianField):
            raise InputError(
                f"supervision=crops_published_gradient: a {type(image).__name__} has no kernels; use supervision=crops."
            )

    def __call__(
        self, image: ContinuousImage, batch: Mapping[str, Any]
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 3 h w"]]:
        """Both (B, 3, H, W)."""
        assert isinstance(image, GaussianField)  # `check` has refused all others
        return super().__call__(replace(image, cholesky=PublishedGradient.apply(image.cholesky)), batch)


class OnQueries:
    """Pixels drawn from every crop, each at most once: what the LIIF family trains on, since its queries cost most.

    Args:
        count: pixels per crop.
    """

    def __init__(self, *, count: Count) -> None:
        if count < 1:
            raise InputError(f"supervision.count must be at least 1 pixel per crop; got {count}.")
        self.count = count

    def check(self, image: ContinuousImage, _: str, pixels: int) -> None:
        """InputError where the model answers with an image that renders only, or a crop has too few pixels."""
        if not isinstance(image, QueryableImage):
            raise InputError(f"supervision=queries: a {type(image).__name__} renders whole images only; use supervision=crops.")
        if pixels < self.count:
            raise InputError(
                f"supervision.count={self.count} pixels cannot be drawn from every crop: the smallest has {pixels}. Use fewer, "
                "larger crops (data.patch) or supervision=crops."
            )

    def __call__(
        self, image: QueryableImage, batch: Mapping[str, Any]
    ) -> tuple[Float[Tensor, "b {self.count} 3"], Float[Tensor, "b {self.count} 3"]]:
        """Both (B, count, 3), the pixels in random order. The crops may have different sizes.

        Raises:
            InputError: a crop has too few pixels.
        """
        coordinates, targets, cells = [], [], []
        for hr, seed in zip(batch["hr"], batch["seeds"], strict=True):
            size = (hr.shape[-2], hr.shape[-1])
            if size[0] * size[1] < self.count:
                raise InputError(
                    f"supervision.count={self.count} pixels cannot be drawn from a crop of {size[1]}x{size[0]}: use fewer, "
                    "larger crops (data.patch) or supervision=crops."
                )
            random = np.random.default_rng([seed, 1])  # not the numbers that its degradation draws
            chosen = random.choice(size[0] * size[1], self.count, replace=False)
            pixels = torch.from_numpy(np.stack(np.divmod(chosen, size[1]), axis=-1)).to(hr.device)
            coordinates.append(pixel_centres(pixels, size))
            targets.append(hr[:, pixels[:, 0], pixels[:, 1]].T)
            cells.append(hr.new_tensor([2 / size[0], 2 / size[1]]))
        return image.query(torch.stack(coordinates), torch.stack(cells)), torch.stack(targets)
