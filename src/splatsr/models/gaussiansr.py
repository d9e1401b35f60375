"""GaussianSR, "High Fidelity 2D Gaussian Splatting for Arbitrary-Scale Image Super-Resolution" (Hu et al., AAAI 2025).

Some of the encoder's channels are splatted to the output's pixels by Gaussians that every LR pixel chooses from a learned bank,
the others are enlarged bicubically (the paper's dual streams); LTE's waves decode the two together, pixel by pixel. Paper,
published code and this differ in some points: docs/gaussiansr.md.
"""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import linear

from splatsr.bounds import Natural, Width, Widths
from splatsr.decoders.bicubic_rows import bicubic_rows
from splatsr.decoders.feature_grid import lr_channels
from splatsr.decoders.gaussian_bank import GaussianBank
from splatsr.decoders.local_texture import basis, neighbouring_halves
from splatsr.decoders.normalised_rgb import from_normalised, to_normalised
from splatsr.decoders.splatting import Splatting
from splatsr.decoders.upsampled_image import FeatureRows, UpsampledImage, UpsampledStripImage
from splatsr.encoders.encoder import Encoder
from splatsr.geometry import Output, nearest_pixel, offset_from
from splatsr.heads.mlp import mlp
from splatsr.image.model import Model
from splatsr.image.tiling import Span
from splatsr.published_form import PublishedForm


class GaussianSR(Model):
    """LR image to UpsampledImage, or to UpsampledStripImage where nothing is averaged over the image.

    Args:
        encoder: LR to features on the LR grid.
        splatted: channels that are splatted, the first ones (published: 8 of 64). Where there are none (the ablation's
            "Bicubic-64") nothing is splatted, and no bank is made.
        bank: makes the bank that LR pixels choose their Gaussians from, called with `channels` of the features.
        splatting: how: `decoders.tile_splatting` (published) or `decoders.pixel_splatting`.
        waves: of the decoder (published: 128, as LTE's).
        hidden: hidden widths of the MLP (published: four times 256).
    """

    has_weights = True

    def __init__(
        self,
        *,
        encoder: Encoder,
        splatted: Natural,
        bank: Callable[..., GaussianBank],
        splatting: Splatting,
        waves: Width,
        hidden: Widths,
    ) -> None:
        super().__init__()
        channels = lr_channels(encoder)
        if not 0 <= splatted <= channels:
            raise ValueError(f"splatted must be between 0 and the encoder's {channels} channels, got {splatted}.")
        self.encoder, self.splatted, self.splatting = encoder, splatted, splatting
        self.bank = bank(channels=channels) if splatted else None
        self.coef = nn.Conv2d(channels, 2 * waves, 3, padding=1)
        self.freq = nn.Conv2d(channels, 2 * waves, 3, padding=1)
        self.phase = nn.Linear(2, waves, bias=False)
        self.dec = mlp([2 * waves, *hidden, 3])

    @property
    def rendering(self) -> str:
        """What a pixel is, in words, for results."""
        chosen = {
            "sample": "one kernel drawn per LR pixel",
            "expected": "the expected kernel of every LR pixel",
            "argmax": "the likeliest kernel of every LR pixel",
        }
        kernels = "" if self.bank is None else f", {chosen[self.bank.selection]}"
        return f"decoded at every pixel's centre{kernels}"

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> UpsampledImage:
        """The image of a batch of RGB images in [0, 1]; kernels are chosen here, once."""
        features = self.encoder(to_normalised(lr))
        gaussians = None if self.bank is None else self.splatting.prepare(self.bank(features))
        image = UpsampledStripImage if self.bank is None or self.splatting.local else UpsampledImage
        return image(lr, partial(self._upsample, features, gaussians), partial(self._decode, (lr.shape[-2], lr.shape[-1])))

    def shares(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b k h w"]:
        """The share of every kernel of the bank in every LR pixel, as the image of `lr` is made of them."""
        if self.bank is None:
            raise ValueError("nothing is splatted: there is no bank to choose from.")
        return self.bank.choose(self.bank.classifier(self.encoder(to_normalised(lr))))

    def _upsample(
        self,
        features: Float[Tensor, "b c h w"],
        gaussians: Float[Tensor, "b parameters=4 y x"] | None,
        output: Output,
        rows: Span,
        images: slice,
    ) -> Float[Tensor, "_ c rows width"]:
        """The streams that have channels, the splatted one first."""
        features = features[images]
        streams = []
        if gaussians is not None:
            streams.append(self.splatting(features[:, : self.splatted], gaussians[images], output, rows))
        if self.splatted < features.shape[1]:
            streams.append(bicubic_rows(features[:, self.splatted :], output.size, rows))
        return torch.cat(streams, dim=1)

    def _decode(
        self,
        lr_size: tuple[int, int],
        features: FeatureRows,
        coordinates: Float[Tensor, "b q yx=2"],
        cell: Float[Tensor, "b yx=2"],
    ) -> Float[Tensor, "b q rgb=3"]:
        """Both convolutions are computed at the points alone: nothing needs their values elsewhere."""
        assert self.coef.bias is not None and self.freq.bias is not None
        convolutions = torch.cat([self.coef.weight, self.freq.weight]).permute(0, 2, 3, 1).flatten(1)
        both = linear(features.around(coordinates), convolutions, torch.cat([self.coef.bias, self.freq.bias]))
        amplitudes, frequencies = both.chunk(2, dim=-1)
        offsets = offset_from(nearest_pixel(coordinates, lr_size), coordinates, lr_size)
        phases = self.phase(cell * cell.new_tensor(lr_size))[:, None]
        return from_normalised(self.dec(amplitudes * basis(neighbouring_halves(frequencies, offsets) + phases)))


PUBLISHED = PublishedForm(
    name="gaussian-splatter",
    title="GaussianSR",
    encoders={"edsr-baseline": "encoder.edsr."},
    upscale=1,
    arguments={
        "dec_spec": {"name": "mlp", "args": {"out_dim": 3, "hidden_list": [256, 256, 256, 256]}},
        "kernel_size": 5,
        "num_points": 100,
        "hidden_dim": 256,
    },
    ignored=[],
    names={
        "encoder.segmentation_head.0.": "bank.classifier.",
        **{name: f"bank.{name}" for name in ("sigma_x", "sigma_y", "opacity", "rho")},
        **{name: name for name in ("coef.", "freq.", "phase.")},
        "dec.layers.": "dec.",
    },
    config={
        "_target_": "splatsr.models.gaussiansr.GaussianSR",
        "splatted": 8,
        "splatting": {
            "_target_": "splatsr.decoders.tile_splatting.TileSplatting",
            "tile": 7,
            "kernel": 5,
            "extent": 5.0,
            "clamp": True,
        },
        "bank": {
            "_target_": "splatsr.decoders.gaussian_bank.GaussianBank",
            "_partial_": True,
            "kernels": 100,
            "sigma_range": [0.2, 3.0],
            "temperature": 1.0,
            "selection": "sample",
            "noise_seed": 0,
            "bounded_rho": False,
        },
        "waves": 128,
        "hidden": [256, 256, 256, 256],
    },
)
