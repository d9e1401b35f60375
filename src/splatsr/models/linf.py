"""LINF, "Local Implicit Normalizing Flow for Arbitrary-Scale Image Super-Resolution" (Yao et al., CVPR 2023), and its variant
that draws patches of 3x3 pixels.

The waves of LTE around a point, each of the four LR pixels weighted by the opposite area, make the condition of a flow, which
draws the difference from the bilinear LR image.
"""

from functools import partial
from typing import Literal, cast

from jaxtyping import Float
from torch import Tensor, nn

from splatsr.bounds import Depth, NonNegative, PositiveOrInfinite, Seed, Width, Widths
from splatsr.decoders.clipped_cell import clipped_cell
from splatsr.decoders.conditional_flow import ConditionalFlow
from splatsr.decoders.feature_grid import FeatureGrid, lr_channels
from splatsr.decoders.flow_image import FlowImage
from splatsr.decoders.local_ensemble import opposite_areas
from splatsr.decoders.local_texture import LocalTexture, separate_halves
from splatsr.decoders.normalised_rgb import to_normalised
from splatsr.decoders.pointwise import pointwise
from splatsr.encoders.encoder import Encoder
from splatsr.image.model import Model
from splatsr.image.precision import in_float32
from splatsr.published_form import PublishedForm

_LAYERS = 10

_OF_LINEARS = {"bias": "bias", "_weight": "weight"}
"""The flow's tensors: how published names end, and ours."""


class LINF(Model):
    """LR image to FlowImage.

    Args:
        encoder: LR to features on the LR grid.
        waves: number of waves (published: 128, the half of `hidden_dim`).
        hidden: hidden widths of the convolutions that make the condition (published: three times 256).
        flow_layers: of the flow (published: 10).
        tile: side of the patches that are drawn at once, in output pixels: 1, or 3 (published as linf-patch).
        largest_scale: of the training; beyond it the network is given the cell of that scale (published test: 4); inf: none.
        continued: patches whose centre lies beyond the border are decoded there, and not, as published, at the middle of the
            image, which spoils the last row or column of sides that leave 1 when divided by 3.
        temperature: of what `forward` returns; 0: no noise is drawn (`FlowImage.sample` takes another).
        seed: of the noise.
    """

    has_weights = True

    def __init__(
        self,
        *,
        encoder: Encoder,
        waves: Width,
        hidden: Widths,
        flow_layers: Depth,
        tile: Literal[1, 3],
        largest_scale: PositiveOrInfinite,
        continued: bool,
        temperature: NonNegative,
        seed: Seed,
    ) -> None:
        super().__init__()
        channels = lr_channels(encoder)
        self.encoder, self.largest_scale, self.tile = encoder, largest_scale, tile
        self.continued, self.temperature, self.seed = continued, temperature, seed
        self.coef = nn.Conv2d(channels, 2 * waves, 3, padding=1)
        self.freq = nn.Conv2d(channels, 2 * waves, 3, padding=1)
        self.phase = nn.Linear(2, waves, bias=False)
        self.flow = ConditionalFlow(values=3 * tile**2, layers=flow_layers)
        widths = [8 * waves, *hidden, self.flow.conditions]
        self.layers = nn.ModuleList(nn.Conv2d(*sides, 1) for sides in zip(widths[:-1], widths[1:], strict=True))

    @property
    def rendering(self) -> str:
        """What a pixel is, in words, for results."""
        drawn = f"a sample at temperature {self.temperature:g}, seed {self.seed}" if self.temperature else "at temperature 0"
        return f"drawn in tiles of {self.tile}x{self.tile} pixels, {drawn}"

    def continue_images(self) -> None:
        """Patches beyond the border are decoded where they are."""
        self.continued = True

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> FlowImage:
        """The image of a batch of RGB images in [0, 1]."""
        features = self.encoder(to_normalised(lr))
        texture = LocalTexture(FeatureGrid.of(self.coef(features)), FeatureGrid.of(self.freq(features)), separate_halves)
        return FlowImage(
            lr,
            condition=partial(self._condition, texture),
            flow=self.flow,
            tile=self.tile,
            temperature=self.temperature,
            seed=self.seed,
            continued=self.continued,
        )

    def _condition(
        self, texture: LocalTexture, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]
    ) -> Float[Tensor, "b q conditions"]:
        phases = self.phase(clipped_cell(cell, texture.size, self.largest_scale))
        features, offsets = texture.around(coordinates, phases)
        x = (features * opposite_areas(offsets)).transpose(1, 2).flatten(2)
        *hidden, last = (partial(pointwise, cast(nn.Conv2d, layer)) for layer in self.layers)
        for layer in hidden:
            x = layer(x).relu()
        return in_float32(last, x)


def _published(tile: int) -> PublishedForm:
    """The form of the network that draws such tiles."""
    linears = [f"linears.{index}" for index in range(_LAYERS)] + ["last"]
    matrices = {
        f"imnet.{linear}.{theirs}": f"flow.{linear}.{ours}" for linear in linears for theirs, ours in _OF_LINEARS.items()
    }
    return PublishedForm(
        name="linf" if tile == 1 else "linf-patch",
        title="LINF" if tile == 1 else "LINF (patches)",
        encoders={"edsr-baseline": "encoder.", "rdn": "encoder.", "swinir": "encoder.", "rrdb": "encoder."},
        upscale=1,
        arguments={
            "imnet_spec": {"name": "flow", "args": {"name": "flow"}},
            "flow_layers": _LAYERS,
            "num_layer": 3,
            "hidden_dim": 256,
            **({} if tile == 1 else {"patch_size": tile}),
        },
        ignored=[],
        names={
            **{name: name for name in ("coef.", "freq.", "phase.")},
            **{f"layers.{2 * index}.": f"layers.{index}." for index in range(4)},
            **matrices,
        },
        config={
            "_target_": "splatsr.models.linf.LINF",
            "waves": 128,
            "hidden": [256, 256, 256],
            "flow_layers": _LAYERS,
            "tile": tile,
            "largest_scale": 4,
            "continued": False,
            "temperature": 0,
            "seed": 0,
        },
    )


PUBLISHED = [_published(1), _published(3)]
