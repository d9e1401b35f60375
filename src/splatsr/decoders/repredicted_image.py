"""GSASR's image: of the LR image only the encoder's features are kept, and the Gaussians are predicted anew for every size."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from splatsr.decoders.gaussian_kernels import kernels_of
from splatsr.decoders.gaussian_seeds import GaussianSeeds
from splatsr.decoders.raster_window import RasterWindow
from splatsr.geometry import Output, Scale, Strip, resolve_output
from splatsr.image.precision import computing_in, widened
from splatsr.splatting import splat_windowed

Kernels = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class RepredictedImage:
    """A `StripImage` that is not scale-free: another scale is another prediction, at the decoder's whole cost.

    As published, an output is the top left of a canvas: of what the LR image, mirrored to whole windows, becomes, which is
    floor(scale * its size) pixels. Where scales are no whole numbers, that is not quite the nominal scale, and an output that
    is rounded up (published ones are not) may have a row and a column more than the canvas: the last ones once more. The
    network is told the vertical scale. Along the horizontal axis the published code takes that too; here sigmas are stretched
    by their own axis's scale, which is the same where both are equal.

    Attributes:
        features: of the LR image, mirrored at the bottom and the right to whole windows of decoder and encoder.
        size: (h, w) of the LR image.
        decoder: features and the scale to Gaussians.
        window: how far they reach.
        precision: what the decoder computes in (`image.precision`); Gaussians are drawn in float32.
        rounded: of the canvas's sides; those of tiles are rounded up.
    """

    features: Float[Tensor, "b c height width"]
    size: tuple[int, int]
    decoder: GaussianSeeds
    window: RasterWindow
    precision: torch.dtype
    rounded: Callable[[float], int] = math.floor
    _known: dict[Output, Kernels] = field(default_factory=dict, repr=False)

    def is_finite(self) -> bool:
        """Whether all features are."""
        return bool(self.features.isfinite().all())

    def render(self, *, size: Sequence[int] | None = None, scale: Scale | None = None) -> Float[Tensor, "b 3 height width"]:
        """RGB, unclamped. Of a `size` the scale is (H / h, W / w); a `scale` is the nominal one, whatever it is rounded to."""
        output = resolve_output(self.size, size=size, scale=scale)
        return self.render_strip(Strip(output, self.size, (0, output.size[0]), origin=0))

    def render_strip(self, strip: Strip) -> Float[Tensor, "b 3 rows width"]:
        """Those rows of the output, as `render` makes them."""
        (top, bottom), output, canvas = strip.rows, strip.output, self._canvas(strip.output)
        means, cholesky, colors = self._kernels(output)
        first, end, width = min(top, canvas[0] - 1), min(bottom, canvas[0]), min(output.size[1], canvas[1])
        drawn = splat_windowed(
            means - means.new_tensor([0, first]), cholesky, colors, (end - first, width), self.window(canvas)
        )
        beyond = (0, output.size[1] - width, 0, bottom - top - (end - first))
        return pad(drawn, beyond, mode="replicate") if any(beyond) else drawn

    def gaussians(self, scale: float) -> Float[Tensor, "b n raw=9"]:
        """What the decoder makes of the features at that scale, raw, see `GaussianSeeds`: those of mirrored pixels are among
        them."""
        with computing_in(self.precision, self.features.device):
            return widened(self.decoder(self.features, self.features.new_full((len(self.features),), 1 / scale)))

    def _canvas(self, output: Output) -> tuple[int, int]:
        """(H, W) of what the features become, of which the output is the top left."""
        sides = zip(self.features.shape[-2:], output.scale, output.size, strict=True)
        height, width = (
            wanted if math.isclose(scale * side, wanted, rel_tol=1e-12) else max(self.rounded(scale * side), 1)
            for side, scale, wanted in sides
        )
        return height, width

    def _kernels(self, output: Output) -> Kernels:
        if output in self._known:
            return self._known[output]
        kernels = kernels_of(self.gaussians(output.scale[0]), self._canvas(output), output.scale)
        if not torch.is_grad_enabled():
            self._known.clear()  # of one output at a time: its strips come one after the other
            self._known[output] = kernels
        return kernels
