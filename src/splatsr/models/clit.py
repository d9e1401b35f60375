"""CLIT, "Cascaded Local Implicit Transformer for Arbitrary-Scale Super-Resolution" (Chen et al., CVPR 2023), and LIT, its form
of one stage.

A stage attends from a point to the 7x7 pixels around it, and a perceptron makes RGB of what it sees. Beyond x4 a second stage
sees the same features four times as fine, beyond x16 a third one; each adds to three quarters of what the stages before it
made, and the sum to the bilinear LR image. (In training the stages' sizes are others, see `CLIT.finer`.)
"""

from collections.abc import Mapping
from typing import Annotated

import torch
from annotated_types import Ge, Le
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.bounds import Width, Widths
from splatsr.decoders.bands import Bands
from splatsr.decoders.bilinear_skip import bilinear
from splatsr.decoders.feature_grid import lr_channels
from splatsr.decoders.feature_rows import FeatureSource
from splatsr.decoders.flip_padding import flip_pad, in_larger
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.decoders.local_attention import LocalAttention, PositionBias, Rows
from splatsr.decoders.normalised_rgb import from_normalised, to_normalised
from splatsr.encoders.encoder import Encoder
from splatsr.geometry import Number
from splatsr.image.model import Model
from splatsr.published_form import PublishedForm

Sizes = tuple[tuple[int, int], ...]

_CARRIED = 0.75
"""Share of the earlier stages' prediction that a stage adds to."""


class CLIT(Model):
    """LR image to ImplicitImage.

    Args:
        encoder: LR to features on the LR grid.
        stages: at most (published: 1, then called LIT, 2 or 3); larger scales than theirs are left to the last one.
        stage_scale: the largest scale of one stage, and how much finer the next one's features are (published test: 4).
        width: channels of features, queries, keys and values (published: 256).
        heads: among which they are divided (published: 8).
        radius: pixels around the nearest one that a point attends to, each way (published: 3).
        hidden: hidden widths of every stage's perceptron (published: four times 256).
        flip_padding: the encoder's window in LR pixels, for the published test's padding, see `decoders.flip_padding`; 0: none.
    """

    has_weights = True
    rendering = "decoded at every pixel's centre"

    def __init__(
        self,
        *,
        encoder: Encoder,
        stages: Annotated[int, Ge(1), Le(4)],
        stage_scale: Annotated[int, Ge(2), Le(8)],
        width: Width,
        heads: Width,
        radius: Annotated[int, Ge(1), Le(16)],
        hidden: Widths,
        flip_padding: Annotated[int, Ge(0), Le(1024)],
    ) -> None:
        super().__init__()
        self.encoder, self.stage_scale, self.flip_padding = encoder, stage_scale, flip_padding
        self.conv_ch = nn.Conv2d(lr_channels(encoder), width, 3, padding=1)
        self.stages = nn.ModuleList(
            LocalAttention(channels=width, heads=heads, radius=radius, hidden=hidden) for _ in range(stages)
        )
        self.pb_encoder = PositionBias(heads=heads)
        self.uses_all_parameters = stages == 1

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ImplicitImage:
        """The image of a batch of RGB images in [0, 1]: encoded once, whatever the stages are."""
        padded = flip_pad(lr, self.flip_padding)
        features = self.conv_ch(self.encoder(to_normalised(padded)))
        return ImplicitImage(lr, in_larger(_Cascade(self, padded, features).colors, lr, padded), cost=16)

    def completed(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A state dict of fewer stages, with this network's own first weights in the others (published: `pre_train`)."""
        there = {name.split(".")[1] for name in state if name.startswith("stages.")}
        own = {name: tensor for name, tensor in self.state_dict().items() if name.startswith("stages.")}
        return dict(state) | {name: tensor for name, tensor in own.items() if there and name.split(".")[1] not in there}

    def finer(self, scale: Number) -> list[float]:
        """By how much the features of every stage are finer than the LR grid; those of the first are not.

        At test stages are as few as can make the scale, each the full `stage_scale`. In training their number is drawn from
        those that can make it, and each makes an equal part.
        """
        needed = 1 + sum(scale > self.stage_scale**stage for stage in range(1, len(self.stages)))
        if not self.training:
            return [float(self.stage_scale**stage) for stage in range(needed)]
        count = int(torch.randint(needed, len(self.stages) + 1, ()))
        return [max(scale, 1.0) ** (stage / count) for stage in range(count)]


class _Cascade:
    """The stages of one batch. Images with the same sizes of stages are decoded together."""

    def __init__(self, network: CLIT, lr: Float[Tensor, "b 3 h w"], features: Float[Tensor, "b c h w"]) -> None:
        self._network, self._lr, self._features = network, lr, features
        self._size = features.shape[-2], features.shape[-1]
        self._sizes: dict[tuple[float, float], Sizes] = {}
        self._maps: dict[tuple[Sizes, tuple[int, ...]], list[Bands[Rows]]] = {}

    def colors(self, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]) -> Float[Tensor, "b q rgb=3"]:
        """As `QueryableImage.query`."""
        by_image = [self._sizes_for(height, width) for height, width in cell.tolist()]
        parts, order = [], []
        for sizes in dict.fromkeys(by_image):
            images = [image for image, its in enumerate(by_image) if its == sizes]
            parts.append(self._decoded(sizes, images, coordinates[images], cell[images]))
            order += images
        back = sorted(range(len(order)), key=order.__getitem__)
        return bilinear(self._lr, coordinates) + from_normalised(torch.cat(parts)[back]) - 0.5

    def _sizes_for(self, cell_height: float, cell_width: float) -> Sizes:
        """Sizes of the stages' features. What training draws is drawn once for an output's size."""
        cell = cell_height, cell_width
        if cell not in self._sizes:
            scale = max(round(2 / pixel) / side for pixel, side in zip(cell, self._size, strict=True))
            factors = self._network.finer(scale)
            self._sizes[cell] = tuple((round(self._size[0] * one), round(self._size[1] * one)) for one in factors)
        return self._sizes[cell]

    def _decoded(self, sizes: Sizes, images: list[int], coordinates: Tensor, cell: Tensor) -> Float[Tensor, "some q rgb=3"]:
        stages = [stage for stage in self._network.stages if isinstance(stage, LocalAttention)][: len(sizes)]
        key = sizes, tuple(images)
        if key not in self._maps:
            features = self._features[images]
            self._maps[key] = [stage.maps(FeatureSource(features, size)) for stage, size in zip(stages, sizes, strict=True)]
        prediction = coordinates.new_zeros(1)
        for stage, size, maps in zip(stages, sizes, self._maps[key], strict=True):
            prediction = stage(maps, size, self._network.pb_encoder, coordinates, cell) + _CARRIED * prediction
        return prediction


def _published(stages: int) -> PublishedForm:
    """The form with that many stages."""
    by_stage = {f"conv_{one}s.{{}}.": f"conv_{one}." for one in "qkv"} | {"imnets.{}.layers.": "imnet."}
    return PublishedForm(
        name="clit",
        title="CLIT" if stages > 1 else "LIT",
        encoders={"edsr-baseline": "encoder.", "rdn": "encoder.", "swinir": "encoder."},
        upscale=1,
        arguments={
            "base_dim": 256,
            "head": 8,
            "r": 3,
            "imnet_num": stages,
            "conv_num": stages,
            "is_cell": True,
            "local_attn": True,
            "pb_spec": {
                "name": "posenc",
                "args": {"posenc_type": "sinusoid", "posenc_scale": 10, "hidden_dims": 64, "enc_dims": 64, "gamma": 1},
            },
            "imnet_spec": {"name": "mlp", "args": {"out_dim": 3, "hidden_list": [256, 256, 256, 256], "act": "gelu"}},
        },
        ignored=[],
        names={
            "conv_ch.": "conv_ch.",
            "pb_encoder.": "pb_encoder.",
            **{theirs.format(stage): f"stages.{stage}.{ours}" for stage in range(stages) for theirs, ours in by_stage.items()},
        },
        config={
            "_target_": "splatsr.models.clit.CLIT",
            "stages": stages,
            "stage_scale": 4,
            "width": 256,
            "heads": 8,
            "radius": 3,
            "hidden": [256, 256, 256, 256],
            "flip_padding": 0,
        },
    )


PUBLISHED = [_published(3), _published(2), _published(1)]
