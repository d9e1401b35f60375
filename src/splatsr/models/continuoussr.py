"""ContinuousSR, "Pixel to Gaussian: Ultra-Fast Continuous Super-Resolution with 2D Gaussian Modeling" (ICLR 2026).

encoder -> F -> { DDCW: shapes, APD: centres, CGM: colours } -> GaussianField. Everything runs once per LR image; no part
knows the output scale.
"""

import math
from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Tensor, nn

from splatsr.geometry import Number
from splatsr.heads.ablated import Anchors, FreePositions, RegressedShapes
from splatsr.heads.apd import APD
from splatsr.heads.cgm import CGM
from splatsr.heads.ddcw import DDCW
from splatsr.image.field import GaussianField
from splatsr.image.tiling import Span, Tiling
from splatsr.published_form import PublishedForm
from splatsr.splatting.footprint import check_reference_scale, described
from splatsr.splatting.reference import CUT


class ContinuousSR(nn.Module):
    """LR image to GaussianField. The constructor's arguments are explained where their values live, in conf/model/.

    Args:
        encoder: LR to features; has `upscale` (its grid is that many times as fine as the LR image), `out_channels` and, for
            the initialisation `blurred_lr` without colour skip, `carry_rgb`.
        dictionary: rows (l11, l21, l22), see `heads.dictionary`; None: Cholesky entries are regressed, see `heads.ablated`.
        embedding: width of DDCW's queries and keys (paper: 512).
        embedding_hidden: hidden widths of the dictionary's MLP.
        kernels_per_pixel: 1, 4 or 9 kernels per LR pixel; its root must divide `encoder.upscale`.
        offset_hidden: hidden widths of the position MLP.
        offset_range: largest position drift, in LR pixels (paper: 1); 0: kernels stay at their anchors, infinity: there are no
            anchors, see `heads.ablated`.
        color_hidden: hidden widths of the colour MLP; its length plus one is the paper's "colour depth" (6).
        color_skip: add the bilinear LR image to the colours (not in the paper).
        reference_scale: below it pixels get a footprint, see `GaussianField`.
        initialisation: called with the model, sets the first weights, see `heads.initialisation`.
    """

    has_weights = True

    def __init__(
        self,
        *,
        encoder: nn.Module,
        dictionary: Float[Tensor, "rows 3"] | None,
        embedding: int,
        embedding_hidden: Sequence[int],
        kernels_per_pixel: int,
        offset_hidden: Sequence[int],
        offset_range: Number,
        color_hidden: Sequence[int],
        color_skip: bool,
        reference_scale: Number,
        initialisation: Callable[["ContinuousSR"], None],
    ) -> None:
        super().__init__()
        self.per_side = math.isqrt(kernels_per_pixel)
        if self.per_side**2 != kernels_per_pixel or kernels_per_pixel < 1:
            raise ValueError(f"kernels_per_pixel must be a square number (1, 4, 9), got {kernels_per_pixel}.")
        if encoder.upscale % self.per_side:
            raise ValueError(
                f"{kernels_per_pixel} kernels per pixel need an encoder grid that is a multiple of {self.per_side} per LR "
                f"pixel; the encoder's upscale is {encoder.upscale}."
            )
        check_reference_scale(reference_scale)
        self.reference_scale = reference_scale
        self.encoder = encoder
        self.unshuffle = nn.PixelUnshuffle(encoder.upscale // self.per_side)
        self.activation = nn.LeakyReLU(0.01)
        channels = encoder.out_channels * self.unshuffle.downscale_factor**2
        if dictionary is None:
            self.ddcw = RegressedShapes(channels=channels, embedding=embedding, hidden=embedding_hidden)
        else:
            self.ddcw = DDCW(channels=channels, dictionary=dictionary, embedding=embedding, embedding_hidden=embedding_hidden)
        if offset_range == 0:
            self.apd = Anchors(per_side=self.per_side)
        elif offset_range == math.inf:
            self.apd = FreePositions(channels=channels, hidden=offset_hidden)
        else:
            self.apd = APD(channels=channels, hidden=offset_hidden, reach=offset_range, per_side=self.per_side)
        self.cgm = CGM(
            channels=channels, hidden=color_hidden, per_side=self.per_side, skip=color_skip, skip_gain=1 / self.level
        )
        initialisation(self)

    @property
    def rendering(self) -> str:
        """What a pixel is, in words, for results."""
        return described(self.reference_scale)

    @property
    def shrink(self) -> float:
        """Dictionary pixels per LR pixel: 4 as published (4 kernels per pixel, "empirical"); other densities keep the
        ratio of kernel to cell."""
        return 2.0 * self.per_side

    @property
    def level(self) -> float:
        """What a constant field of mean kernels sums to, per unit of colour: density * 2 pi l11 l22 (published: 1.877)."""
        l11, _, l22 = (self.ddcw.typical / self.shrink).tolist()
        return self.per_side**2 * 2 * math.pi * l11 * l22

    @property
    def tiling(self) -> Tiling | None:
        """The encoder's, plus what the heads see: DDCW's convolution one cell, the skip's bilinear resampling one pixel.

        A kernel sits up to `offset_range` from its cell's corner and is no longer than the longest dictionary row; without
        anchors or without a dictionary there is no such limit, and no tiling.
        """
        encoder = getattr(self.encoder, "tiling", None)
        reach = self.apd.reach + math.sqrt(2 * CUT) * self.ddcw.longest / self.shrink
        if encoder is None or math.isinf(reach):
            return None
        return encoder._replace(overlap=max(encoder.overlap + 1 / self.per_side, 1), reach=reach)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> GaussianField:
        """The field of a batch of RGB images in [0, 1], any h and w; kernel n = i * (per_side * w) + j of the cell grid."""
        return self._decode(self.unshuffle(self.encoder(lr)), lr)

    def part(self, lr: Float[Tensor, "b 3 h w"], *, rows: Span, columns: Span) -> GaussianField:
        """forward(lr).crop(rows=rows, columns=columns), without the heads' work on the rest of the image."""
        (top, bottom), (left, right) = (
            (max(first - 1, 0), min(end + 1, side)) for (first, end), side in zip((rows, columns), lr.shape[-2:], strict=True)
        )  # one pixel more: DDCW sees the next cell, the colour skip the next pixel
        k = self.per_side
        features = self.unshuffle(self.encoder(lr))[..., k * top : k * bottom, k * left : k * right]
        field = self._decode(features, lr[..., top:bottom, left:right])
        return field.crop(rows=(rows[0] - top, rows[1] - top), columns=(columns[0] - left, columns[1] - left))

    def _decode(self, features: Float[Tensor, "b c kh kw"], lr: Float[Tensor, "b 3 h w"]) -> GaussianField:
        active = self.activation(features)
        lr_size = (lr.shape[-2], lr.shape[-1])
        return GaussianField(
            means=self.apd(active.flatten(2).transpose(1, 2), lr_size),
            cholesky=self.ddcw(active) / self.shrink,
            colors=self.cgm(features.flatten(2).transpose(1, 2), lr),
            size=lr_size,
            reference_scale=self.reference_scale,
        )


PUBLISHED = PublishedForm(
    name="continuous-gaussian",
    title="ContinuousSR",
    encoders={"swinir": "encoder.", "hat": "encoder.", "edsr-baseline": "encoder.edsr.", "rdn": "encoder."},
    upscale=4,
    arguments={},
    ignored=["cnn_spec", "fc_spec"],
    names={
        "conv1.": "ddcw.query.",
        "mlp_vector.layers.": "ddcw.embedding.",
        "mlp_offset.layers.": "apd.mlp.",
        "mlp.layers.": "cgm.mlp.",
    },
    config={
        "_target_": "splatsr.models.continuoussr.ContinuousSR",
        "dictionary": {"_target_": "splatsr.heads.dictionary.published_dictionary"},
        "initialisation": {"_target_": "splatsr.heads.initialisation.published", "_partial_": True},
        "embedding": 512,
        "embedding_hidden": [256, 512, 512, 512],
        "kernels_per_pixel": 4,
        "offset_hidden": [512, 1024, 256, 128, 64],
        "offset_range": 1.0,
        "color_hidden": [512, 1024, 256, 128, 64],
        "color_skip": False,
        "reference_scale": 4.0,
    },
)
