"""What exactly is compared: a number without its protocol is worth nothing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from splatsr.bounds import Natural
from splatsr.data.evaluation_pairs import LowResolution
from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.metrics.luma import channels
from splatsr.metrics.names import NamedMetric, check_metrics, find_metric


@dataclass(frozen=True)
class Protocol:
    """How a prediction is measured against the HR image. One file of conf/protocol/ per protocol of the papers.

    Attributes:
        name: of the protocol in the papers' terms, e.g. "L-pil": the metric of the LIIF family on LR images made by PIL.
        luminance: PSNR and SSIM of studio-range Y (Set5 and its like) or of RGB (DIV2K). The other metrics always see RGB.
        eight_bit: round both images to 8 bit before anything is measured (BasicSR), or only clamp them (LIIF).
        shave_limit: ceil(scale) pixels are cut from every side, but not more than these; None: no limit, 0: nothing is cut.
        extra_shave: pixels cut from every side besides those (DIV2K 6, elsewhere 0).
        lr: the rule that makes LR images, one of `data.evaluation_pairs.LR_RULES`: pil, matlab, .., camera.
        given_lr: at x2, x3 and x4 the LR images are those that are distributed with the test sets.
        crop: how HR and LR sizes fit: "liif" (LR floor(H / s), HR cut to round(h s)), "gsasr" (HR cut to floor(h s) after
            the resizing), "diinn" (LR round(H / s), HR whole) or "mod12" (HR cut to a multiple of 12).
        metrics: what the protocol reports, see `metrics.names`; the root key `metrics` asks for others.

    Raises:
        InputError: a metric or a rule does not exist.
    """

    name: str
    luminance: bool
    eight_bit: bool
    shave_limit: Natural | None
    extra_shave: Natural
    lr: str
    given_lr: bool
    crop: Literal["liif", "gsasr", "diinn", "mod12"]
    metrics: Sequence[str]

    def __post_init__(self) -> None:
        check_metrics(self.metrics, "protocol.metrics")
        object.__setattr__(self, "metrics", tuple(self.metrics))  # plain: it goes to metrics.json
        _ = self.low_resolution  # refuses unknown rules here

    @property
    def low_resolution(self) -> LowResolution:
        """How the LR images come about."""
        return LowResolution(self.lr, given=self.given_lr, crop=self.crop)

    def metric(self, requested: str) -> NamedMetric:
        """The metric that psnr, ssim, .. stand for under this protocol; KeyError where there is none of that name."""
        return find_metric(requested, luminance=self.luminance)

    def shave(self, scale: Number) -> int:
        """Border in HR pixels that is not measured."""
        border = math.ceil(scale)
        return (border if self.shave_limit is None else min(border, self.shave_limit)) + self.extra_shave

    def check_size(self, size: tuple[int, int], scale: Number) -> None:
        """InputError where an HR image of `size` (height, width) is too small to be measured at this scale."""
        if min(size) < 2 * (border := self.shave(scale)) + 11:
            raise InputError(
                f"an image of {size[1]}x{size[0]} pixels is too small for x{scale:g}: after {border} pixels are cut from every "
                "side SSIM needs 11."
            )

    def cut(self, image: Float[Tensor, "3 h w"], scale: Number) -> Float[Tensor, "3 height width"]:
        """Clamped to [0, 1], rounded to 8 bit where the protocol rounds, shaved; still RGB; float64.

        Raises:
            InputError: the image is too small to be measured at this scale.
        """
        self.check_size((image.shape[-2], image.shape[-1]), scale)
        border = self.shave(scale)
        inner = image[:, border : image.shape[-2] - border, border : image.shape[-1] - border]
        inner = inner.to(torch.float64).clamp(0, 1)
        return (inner * 255).round() / 255 if self.eight_bit else inner

    def channels(self, rgb: Float[Tensor, "3 h w"]) -> Float[Tensor, "c h w"]:
        """Y or RGB of an image that is cut already, float64."""
        return channels(rgb, luminance=self.luminance)

    def prepare(self, image: Float[Tensor, "3 h w"], scale: Number) -> Float[Tensor, "c height width"]:
        """What PSNR and SSIM compare: `cut`, then Y or RGB, float64."""
        return self.channels(self.cut(image, scale))

    def describe(self) -> dict[str, Any]:
        """Everything that a reader of a result must know, for metrics.json: the knobs, then what they mean."""
        limit = "" if self.shave_limit is None else f", at most {self.shave_limit},"
        made = f"{self.lr}, sizes by the {self.crop} rule"
        return {
            **asdict(self),
            "metrics": list(self.metrics),
            "shave": f"ceil(scale){limit} + {self.extra_shave} HR pixels on every side",
            "rounding": "both images rounded to 8 bit"
            if self.eight_bit
            else "prediction clamped to [0, 1], not rounded to 8 bit",
            "average": "per image, float64; infinite figures are left out and counted",
            "ssim": "11x11 Gaussian window, sigma 1.5, valid region",
            "lpips": "AlexNet, version 0.1, RGB",
            "dists": "VGG16, RGB",
            "fid": "Inception v3 of 2015, 2048 features; shaved predictions against shaved HR, 8 bit, RGB",
            "lr_images": f"distributed ones at x2, x3, x4 (of real zoom at every scale), else {made}"
            if self.given_lr
            else made,
            "bicubic": "PIL bicubic, 8 bit",
            "grey_images": "opened as RGB",
        }

    def difference(self, described: Mapping[str, Any]) -> str:
        """The knobs in which a `describe()` of metrics.json differs from this protocol, in words; empty where none does."""
        own = self.describe()
        knobs = [field.name for field in fields(self) if field.name != "metrics"]
        unequal = [knob for knob in knobs if described.get(knob) != own[knob]]
        return ", ".join(f"{knob} {described.get(knob)!r} for {own[knob]!r}" for knob in unequal)


@dataclass(frozen=True)
class ExchangedSides(Protocol):
    """The published test of COZ (test_real.py of LMI's authors), with a slip that its figures contain: flat pixels are read as
    rows as long as the image is high before the border is shaved.

    What is left out of an image that is not square are slanted stripes, and rows at both ends. Only what compares pixel by
    pixel means anything then.

    Raises:
        InputError: another metric than PSNR is asked for by the protocol.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.metrics != ("psnr",):
            raise InputError(
                f"protocol {self.name} tears pictures apart: protocol.metrics must be [psnr]; got {list(self.metrics)}."
            )

    def cut(self, image: Float[Tensor, "3 h w"], scale: Number) -> Float[Tensor, "3 _ _"]:
        """As `Protocol.cut`, of the pixels in rows of h."""
        return super().cut(image.reshape(3, image.shape[2], image.shape[1]), scale)

    def describe(self) -> dict[str, Any]:
        """As `Protocol.describe`."""
        described = super().describe()
        return described | {"shave": f"{described['shave']}, after height and width are exchanged without turning the image"}
