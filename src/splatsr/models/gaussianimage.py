"""GaussianImage as a super-resolution model (ContinuousSR, Table 18): fit the LR image, scale the field.

"Adjust the Gaussian mapping scale" (appendix A.4) says no more. Nothing in the fit constrains the field between LR samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from splatsr.bounds import Seed
from splatsr.geometry import Scale, Strip, resolve_output
from splatsr.image.field import GaussianField
from splatsr.image.model import Model
from splatsr.prior.fitting import Fitting

ALIGNMENTS = ("half_pixel", "naive")


@dataclass(frozen=True, eq=False)
class ShiftedField:
    """The naive reading: normalised positions are kept, so that the first pixels' centres coincide instead of the corners.

    At scale s everything lies (s - 1) / 2 output pixels too far to the upper left: 1.5 at x4.
    """

    field: GaussianField

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of the LR image."""
        return self.field.size

    def is_finite(self) -> bool:
        """As `GaussianField.is_finite`."""
        return self.field.is_finite()

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b c height width"]:
        """As `GaussianField.render`, shifted."""
        height, width = resolve_output(self.size, size=size, scale=scale).size
        return self._shifted((height / self.size[0], width / self.size[1])).render(size=size, scale=scale)

    def render_strip(self, strip: Strip) -> Float[Tensor, "b c rows width"]:
        """As `GaussianField.render_strip`, shifted."""
        return self._shifted(strip.ratio).render_strip(strip)

    def _shifted(self, ratio: tuple[float, float]) -> GaussianField:
        """A position p of the published pixels (pixel k at k) goes to p * ratio; both of ours are half a pixel further."""
        shift = self.field.means.new_tensor([0.5 / ratio[1] - 0.5, 0.5 / ratio[0] - 0.5])
        return replace(self.field, means=self.field.means + shift)


class GaussianImage(Model):
    """LR image to a field that was fitted to it; there are no weights, every image is optimised anew.

    Args:
        fitting: how.
        alignment: "half_pixel": corners of LR and output coincide, as everywhere in the suite; "naive": see `ShiftedField`.
        seed: of every image's first kernels.

    Raises:
        ValueError: the alignment is none of the two.
    """

    has_weights = False

    def __init__(self, *, fitting: Fitting, alignment: str, seed: Seed) -> None:
        super().__init__()
        if alignment not in ALIGNMENTS:
            raise ValueError(f"alignment must be one of {', '.join(ALIGNMENTS)}, got {alignment!r}.")
        self.fitting, self.alignment, self.seed = fitting, alignment, seed

    @property
    def rendering(self) -> str:
        """What a pixel is, in words, for results."""
        return f"point samples, {self.alignment} alignment"

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> GaussianField | ShiftedField:
        field, _ = self.fitting.fit(lr, [self.seed] * len(lr))
        return field if self.alignment == "half_pixel" else ShiftedField(field)
