"""ContinuousSR, "Pixel to Gaussian: Ultra-Fast Continuous Super-Resolution with 2D Gaussian Modeling" (ICLR 2026).

encoder -> F -> { DDCW: shapes, APD: centres, CGM: colors } -> GaussianField (section 4; algorithm in A.8). Everything runs once
per LR image; no part knows the output scale.
"""

import math
from collections.abc import Callable
from typing import Annotated

from annotated_types import Ge, Le
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.bounds import MayBeInfinite, Width
from splatsr.encoders.encoder import Encoder
from splatsr.geometry import Number, cell_corners
from splatsr.heads.cgm import CGM
from splatsr.heads.flat_pixels import FlatPixels
from splatsr.heads.kernel_grid import kernels_per_side
from splatsr.heads.positions_head import PositionsHead
from splatsr.heads.shapes_head import ShapesHead
from splatsr.image.border import continued
from splatsr.image.field import GaussianField
from splatsr.image.model import Model
from splatsr.image.precision import computing_in
from splatsr.image.tiling import Span, Tiling
from splatsr.published_form import PublishedForm
from splatsr.splatting.footprint import check_reference_scale, described
from splatsr.splatting.reference import CUT

MARGIN = 4
"""LR pixels that no published kernel reaches across: 3.33 standard deviations of at most 0.68, and a drift of 1, make 3.3."""


class ContinuousSR(Model):
    """LR image to GaussianField. The constructor's arguments are explained where their values live, in conf/model/.

    Args:
        encoder: LR to features; has `upscale` (its grid is that many times as fine as the LR image), `out_channels` and, for
            the initialisation `blurred_lr` without color skip, `initialise_identity`.
        shapes: makes the head of the kernels' shapes, called with `channels` of the features: `heads.ddcw` as published, or
            `heads.regressed`. It has `mean_row`, `longest_deviation` and `start_at_mean_row`. Whichever it is, the attribute is
            `ddcw`, the name in saved weights; so it is with `apd` and `cgm`.
        positions: makes the head of their centres, called with `channels` and `per_side` (kernels per LR pixel along either
            axis): `heads.apd` as published, `heads.anchors` or `heads.free`. It has `offset_range` and `start_centred`.
        colors: makes the head of their colors, called with `channels`, `per_side` and `skip_gain`: `heads.cgm`.
        kernels_per_pixel: 1, 4 or 9 kernels per LR pixel; its root must divide `encoder.upscale`.
        flat_pixels: `heads.flat_pixels`: which LR pixels get one wide kernel; None, as published: none.
        reference_scale: below it pixels get a footprint, see `GaussianField`.
        margin: LR pixels by which an image is continued beyond its border (mirrored) while the model is in eval mode; kernels
            made there are kept. 0, as published: no kernels stand beyond the border, and what is there is darker for it.
            Trainings do without: a crop's edge is no border, and its loss is worth what the kernels cost.
        initialisation: called with the model, sets the first weights, see `heads.initialisation`.
    """

    has_weights = True

    def __init__(
        self,
        *,
        encoder: Encoder,
        shapes: Callable[..., ShapesHead],
        positions: Callable[..., PositionsHead],
        colors: Callable[..., CGM],
        kernels_per_pixel: Width,
        flat_pixels: FlatPixels | None,
        reference_scale: Annotated[Number, Ge(0), MayBeInfinite()],
        margin: Annotated[int, Ge(0), Le(64)],
        initialisation: Callable[["ContinuousSR"], None],
    ) -> None:
        super().__init__()
        self.per_side = kernels_per_side(kernels_per_pixel, upscale=encoder.upscale, merges=flat_pixels is not None)
        self.flat_pixels = flat_pixels
        check_reference_scale(reference_scale)
        self.reference_scale, self.margin = reference_scale, margin
        self.encoder = encoder
        self.unshuffle = nn.PixelUnshuffle(encoder.upscale // self.per_side)
        self.activation = nn.LeakyReLU(0.01)
        channels = encoder.out_channels * self.unshuffle.downscale_factor**2
        self.ddcw = shapes(channels=channels)
        self.ddcw.check_area()
        self.deviation = math.sqrt(self.dc_gain / (2 * math.pi)) / self.per_side
        """The mean kernel's standard deviation in LR pixels, the geometric mean of both axes."""
        self.apd = positions(channels=channels, per_side=self.per_side)
        self.cgm = colors(channels=channels, per_side=self.per_side, skip_gain=1 / self.dc_gain)
        initialisation(self)

    def continue_images(self) -> None:
        """See `Model`."""
        self.margin = max(self.margin, MARGIN)

    @property
    def rendering(self) -> str:
        """What a pixel is, in words, for results."""
        return described(self.reference_scale)

    @property
    def dictionary_scale(self) -> float:
        """Dictionary pixels per LR pixel: 4 as published (4 kernels per pixel, "empirical"); other densities keep the
        ratio of kernel to cell."""
        return 2.0 * self.per_side

    @property
    def dc_gain(self) -> float:
        """What a constant field of mean kernels sums to, per unit of color: density * 2 pi l11 l22 (published: 1.877)."""
        l11, _, l22 = (self.ddcw.mean_row / self.dictionary_scale).tolist()
        return self.per_side**2 * 2 * math.pi * l11 * l22

    @property
    def tiling(self) -> Tiling | None:
        """The encoder's, plus what the heads see: DDCW's convolution one cell, the color skip one LR pixel or two.

        A kernel sits up to `offset_range` from its cell's corner and is no longer than the longest dictionary row; without
        anchors or without a dictionary there is no such limit, and no tiling.
        """
        encoder = self.encoder.tiling
        support = self.apd.offset_range + math.sqrt(2 * CUT) * self.ddcw.longest_deviation / self.dictionary_scale
        support *= 1 if self.flat_pixels is None else self.per_side
        if encoder is None or math.isinf(support):
            return None
        return encoder._replace(overlap=max(encoder.overlap + 1 / self.per_side, self._reach), support=support)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> GaussianField:
        """The field of a batch of RGB images in [0, 1], any h and w.

        Kernel n = i * (per_side * w) + j of the cell grid, in eval mode of the grid with its margin.
        """
        margin = 0 if self.training else self.margin
        lr = continued(lr, margin)
        return self.decode(self.unshuffle(self.encoder(lr)), lr).framed(margin)

    def part(self, lr: Float[Tensor, "b 3 h w"], *, rows: Span, columns: Span) -> GaussianField:
        """The field of that rectangle of an image that is not continued, without the heads' work on the rest of it."""
        more = self.heads_see
        (top, bottom), (left, right) = (
            (max(first - more, 0), min(end + more, side))
            for (first, end), side in zip((rows, columns), lr.shape[-2:], strict=True)
        )
        k = self.per_side
        with computing_in(self.precision, lr.device):
            features = self.unshuffle(self.encoder(lr))[..., k * top : k * bottom, k * left : k * right]
            field = self.decode(features, lr[..., top:bottom, left:right])
        return field.crop(rows=(rows[0] - top, rows[1] - top), columns=(columns[0] - left, columns[1] - left))

    @property
    def heads_see(self) -> int:
        """LR pixels around its own that a kernel depends on behind the encoder: DDCW sees the next cell."""
        return max(1, self._reach)

    @property
    def _reach(self) -> int:
        """LR pixels beyond its own that are looked at for a kernel without the encoder."""
        return max(self.cgm.reach, 0 if self.flat_pixels is None else self.flat_pixels.sees)

    def decode(self, features: Float[Tensor, "b c kh kw"], lr: Float[Tensor, "b 3 h w"]) -> GaussianField:
        """The field of features, one per kernel (`kh` is `per_side * h`), and the image that they belong to."""
        active = self.activation(features)
        lr_size = (lr.shape[-2], lr.shape[-1])
        merged = None if self.flat_pixels is None else self.flat_pixels.merged(lr, self.per_side, self.deviation)
        chosen = None if merged is None else ~merged.empty
        means = self.apd(active.flatten(2).transpose(1, 2), lr_size, chosen)
        cholesky = self.ddcw(active, chosen) / self.dictionary_scale
        colors = self.cgm(features.flatten(2).transpose(1, 2), lr, chosen)
        if merged is not None:
            means, cholesky, colors = merged.applied(means, cholesky, colors, cell_corners(*lr_size, self.per_side))
        return GaussianField(means=means, cholesky=cholesky, colors=colors, size=lr_size, reference_scale=self.reference_scale)


_HIDDEN = [512, 1024, 256, 128, 64]

PUBLISHED = PublishedForm(
    name="continuous-gaussian",
    title="ContinuousSR",
    encoders={"swinir": "encoder.", "hat": "encoder.", "edsr-baseline": "encoder.edsr.", "rdn": "encoder."},
    upscale=4,
    arguments={},
    ignored=["cnn_spec", "fc_spec"],
    names={
        "conv1.": "ddcw.query.", "mlp_vector.layers.": "ddcw.embedding.",
        "mlp_offset.layers.": "apd.mlp.", "mlp.layers.": "cgm.mlp.",
    },
    config={
        "_target_": "splatsr.models.continuoussr.ContinuousSR",
        "shapes": {
            "_target_": "splatsr.heads.ddcw.DDCW", "_partial_": True,
            "embedding": 512, "embedding_hidden": [256, 512, 512, 512],
            "dictionary": {"_target_": "splatsr.heads.dictionary.published_dictionary"},
        },
        "positions": {"_target_": "splatsr.heads.apd.APD", "_partial_": True, "hidden": _HIDDEN, "offset_range": 1.0},
        "colors": {
            "_target_": "splatsr.heads.cgm.CGM", "_partial_": True, "hidden": _HIDDEN,
            "skip": False, "skip_rule": "bilinear", "grey": None,
        },
        "initialisation": {"_target_": "splatsr.heads.initialisation.published", "_partial_": True},
        "kernels_per_pixel": 4, "flat_pixels": None, "reference_scale": 4.0, "margin": 0,
    },
)  # fmt: skip
