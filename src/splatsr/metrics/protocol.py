"""What exactly is compared: a number without its protocol is worth nothing."""

import math
from dataclasses import asdict, dataclass

from jaxtyping import Float
from torch import Tensor

from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.metrics.luma import channels


@dataclass(frozen=True)
class Protocol:
    """How a prediction is measured against the HR image.

    Args:
        name: of the protocol in the papers' terms, e.g. "L-pil": the metric of the LIIF family on LR images made by PIL.
        luminance: compare studio-range Y (benchmarks) or RGB (DIV2K).
        extra_shave: pixels cut from every side besides the scale itself, ceil(scale) (benchmarks 0, DIV2K 6).
    """

    name: str
    luminance: bool
    extra_shave: int

    @property
    def suffix(self) -> str:
        """End of the metrics' names: psnr_y or psnr_rgb."""
        return "y" if self.luminance else "rgb"

    def shave(self, scale: Number) -> int:
        """Border in HR pixels that is not measured."""
        return math.ceil(scale) + self.extra_shave

    def prepare(self, image: Float[Tensor, "3 h w"], scale: Number) -> Float[Tensor, "c height width"]:
        """Clamped to [0, 1], not rounded to 8 bit, shaved, Y or RGB, float64.

        Raises:
            InputError: the image is too small to be measured at this scale.
        """
        border = self.shave(scale)
        if min(image.shape[-2:]) < 2 * border + 11:
            raise InputError(
                f"an image of {image.shape[-1]}x{image.shape[-2]} pixels is too small for x{scale:g}: after {border} pixels "
                "are cut from every side SSIM needs 11."
            )
        inner = image[:, border : image.shape[-2] - border, border : image.shape[-1] - border]
        return channels(inner.clamp(0, 1), luminance=self.luminance)

    def describe(self) -> dict[str, str | bool | int]:
        """Everything that a reader of a result must know, for metrics.json."""
        return {
            **asdict(self),
            "shave": f"ceil(scale) + {self.extra_shave} HR pixels on every side",
            "rounding": "prediction clamped to [0, 1], not rounded to 8 bit",
            "average": "per image, float64",
            "ssim": "11x11 Gaussian window, sigma 1.5, valid region",
            "lr": "PIL bicubic, 8 bit, from HR cut to round(floor(side / scale) * scale)",
            "bicubic": "PIL bicubic, 8 bit",
            "grey_images": "opened as RGB",
        }
