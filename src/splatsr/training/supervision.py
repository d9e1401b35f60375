"""What of a batch is compared in training: whole crops, or pixels of them that are drawn and queried.

Called with the model's image of a batch's LR crops and the batch; returns (prediction, target) for the loss. What is drawn
of a crop depends on the crop's own seed, so that it is the same in whatever parts a batch is taken. `check` is called before
the first batch with any image of the model and what has a scale of its own, "batch" or "crop", and the pixels of the smallest
HR crop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from splatsr.bounds import Count, Positive
from splatsr.errors import InputError
from splatsr.geometry import pixel_centres
from splatsr.image.continuous_image import ContinuousImage, LikelihoodImage, QueryableImage, SampledImage
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
        _check_queryable(image, "queries")
        _check_count(self.count, pixels)

    def __call__(
        self, image: QueryableImage, batch: Mapping[str, Any]
    ) -> tuple[Float[Tensor, "b {self.count} 3"], Float[Tensor, "b {self.count} 3"]]:
        """Both (B, count, 3), the pixels in random order. The crops may have different sizes.

        Raises:
            InputError: a crop has too few pixels.
        """
        pixels = drawn_pixels(batch, self.count)
        return _at_pixels(image, batch["hr"], pixels)


class OnWindows:
    """The pixels of a window of every crop, at a place that is drawn: queries for losses that compare more than single pixels.

    Args:
        side: of the window, HR pixels.
        step: places are multiples of it, so that a method that draws tiles of so many pixels (LINF: 3) draws whole ones.
    """

    def __init__(self, *, side: Count, step: Count) -> None:
        self.side, self.step = side, step

    def check(self, image: ContinuousImage, _: str, pixels: int) -> None:
        """InputError where the model answers with an image that renders only, or a crop, a square, is too small."""
        _check_queryable(image, "windows")
        if pixels < self.side**2:
            raise InputError(f"supervision.side={self.side} exceeds the smallest HR crop; use larger crops (data.patch).")

    def __call__(
        self, image: QueryableImage, batch: Mapping[str, Any]
    ) -> tuple[Float[Tensor, "b 3 {self.side} {self.side}"], Float[Tensor, "b 3 {self.side} {self.side}"]]:
        """Both (B, 3, side, side)."""
        windows = []
        for hr, seed in zip(batch["hr"], batch["seeds"], strict=True):
            places = [range(0, length - self.side + 1, self.step) for length in hr.shape[-2:]]
            random = np.random.default_rng([seed, 1])  # not the numbers that its degradation draws
            rows, columns = (torch.arange(self.side) + int(random.choice(place)) for place in places)
            windows.append(torch.cartesian_prod(rows, columns).to(hr.device))
        seen = _at_pixels(image, batch["hr"], torch.stack(windows))
        prediction, target = (rgb.mT.unflatten(-1, (self.side, self.side)) for rgb in seen)
        return prediction, target


class OnWindowsOfASample(OnWindows):
    """Windows, and after the last of the batch the same windows of a sample, by a method that draws such: for L1WithVGG.

    The noise of all crops is drawn by the seed of the first.

    Args:
        side: of a window, as of `OnWindows`.
        step: between windows, as of `OnWindows`.
        temperature: of the sample, above 0.
    """

    def __init__(self, *, side: Count, step: Count, temperature: Positive) -> None:
        super().__init__(side=side, step=step)
        self.temperature = temperature

    def check(self, image: ContinuousImage, scale_per: str, pixels: int) -> None:
        """InputError as of `OnWindows`, and where the method draws no samples."""
        if not isinstance(image, SampledImage):
            raise InputError(f"supervision.temperature: a {type(image).__name__} draws no samples; use supervision=windows.")
        super().check(image, scale_per, pixels)

    def __call__(
        self, image: Any, batch: Mapping[str, Any]
    ) -> tuple[Float[Tensor, "b2 3 {self.side} {self.side}"], Float[Tensor, "b2 3 {self.side} {self.side}"]]:
        """Both (2 B, 3, side, side)."""
        seed = int(np.random.default_rng([batch["seeds"][0], 2]).integers(2**31))
        drawn = super().__call__(image.sample(temperature=self.temperature, seed=seed), batch)
        prediction, target = (torch.cat(both) for both in zip(super().__call__(image, batch), drawn, strict=True))
        return prediction, target


class OnLikelihood:
    """How likely pixels drawn from every crop are, by a method that says so (LINF): for loss=nll.

    Args:
        count: pixels per crop, each at most once.
    """

    def __init__(self, *, count: Count) -> None:
        self.count = count

    def check(self, image: ContinuousImage, _: str, pixels: int) -> None:
        """InputError where the model's image knows no likelihood, or a crop has too few pixels."""
        if not isinstance(image, LikelihoodImage):
            raise InputError(f"supervision=likelihood: a {type(image).__name__} does not say how likely a picture is.")
        _check_count(self.count, pixels)

    def __call__(
        self, image: LikelihoodImage, batch: Mapping[str, Any]
    ) -> tuple[Float[Tensor, "b {self.count}"], Float[Tensor, "b {self.count}"]]:
        """(log-densities in nats, zeros): the loss is of the former alone."""
        found = image.log_likelihood(batch["hr"], drawn_pixels(batch, self.count))
        return found, torch.zeros_like(found)


class InTurn:
    """Several of these, each for a step of its own on every batch (`training.losses.InTurn` has a loss for each).

    Args:
        parts: in the order of the steps.
    """

    def __init__(self, *, parts: Sequence[Any]) -> None:
        self.parts = parts

    def check(self, image: ContinuousImage, scale_per: str, pixels: int) -> None:
        """InputError where one of them has a reason."""
        for part in self.parts:
            part.check(image, scale_per, pixels)

    def __call__(self, image: Any, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """That of the last step, whose loss is the training's aim."""
        prediction, target = self.parts[-1](image, batch)
        return prediction, target


def drawn_pixels(batch: Mapping[str, Any], count: int) -> Int64[Tensor, "b {count} row_column=2"]:
    """Pixels of every HR crop of a batch, each at most once, in random order: drawn by the crop's own seed.

    Raises:
        InputError: a crop has too few pixels.
    """
    drawn = []
    for hr, seed in zip(batch["hr"], batch["seeds"], strict=True):
        size = (hr.shape[-2], hr.shape[-1])
        if size[0] * size[1] < count:
            raise InputError(
                f"supervision.count={count} pixels cannot be drawn from a crop of {size[1]}x{size[0]}: use fewer, "
                "larger crops (data.patch) or supervision=crops."
            )
        random = np.random.default_rng([seed, 1])  # not the numbers that its degradation draws
        chosen = random.choice(size[0] * size[1], count, replace=False)
        drawn.append(torch.from_numpy(np.stack(np.divmod(chosen, size[1]), axis=-1)).to(hr.device))
    return torch.stack(drawn)


def _at_pixels(
    image: QueryableImage, hr: Sequence[Tensor] | Tensor, pixels: Int64[Tensor, "b q row_column=2"]
) -> tuple[Float[Tensor, "b q 3"], Float[Tensor, "b q 3"]]:
    """(prediction, target) at pixels of HR crops, which may have different sizes."""
    coordinates, targets, cells = [], [], []
    for crop, chosen in zip(hr, pixels, strict=True):
        size = (crop.shape[-2], crop.shape[-1])
        coordinates.append(pixel_centres(chosen, size))
        targets.append(crop[:, chosen[:, 0], chosen[:, 1]].T)
        cells.append(crop.new_tensor([2 / size[0], 2 / size[1]]))
    return image.query(torch.stack(coordinates), torch.stack(cells)), torch.stack(targets)


def _check_queryable(image: ContinuousImage, supervision: str) -> None:
    if not isinstance(image, QueryableImage):
        raise InputError(
            f"supervision={supervision}: a {type(image).__name__} renders whole images only; use supervision=crops."
        )


def _check_count(count: int, pixels: int) -> None:
    if pixels < count:
        raise InputError(
            f"supervision.count={count} pixels cannot be drawn from every crop: the smallest has {pixels}. Use fewer, "
            "larger crops (data.patch) or supervision=crops."
        )
