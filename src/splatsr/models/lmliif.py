"""LM-LIIF, LIIF with latent modulation (He and Jin, "Latent Modulated Function for Computational Optimal Continuous Image
Representation", CVPR 2024).

LIIF's wide perceptron runs once per LR pixel and output size, and makes a code and a modulation of it; at a point a perceptron
of 16 units a layer remains. Beyond x4 it can also render by levels, see `decoders.multiscale_image`.
"""

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import linear

from splatsr.bounds import Depth, PositiveOrInfinite, Width, Widths
from splatsr.decoders.clipped_cell import clipped_cell
from splatsr.decoders.feature_grid import FeatureGrid, linear_of_unfolded, lr_channels
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.decoders.latent_modulation import rendered
from splatsr.decoders.multiscale_image import MultiScaleImage, Table
from splatsr.decoders.normalised_rgb import from_normalised, to_normalised
from splatsr.encoders.encoder import Encoder
from splatsr.heads.mlp import mlp
from splatsr.image.model import Model
from splatsr.published_form import PublishedForm


class LMLIIF(Model):
    """LR image to ImplicitImage, or to MultiScaleImage where there are tables.

    Args:
        encoder: LR to features on the LR grid.
        width: of the perceptron at points, and of the code (published: 16).
        depth: its hidden layers (published: 6; with SwinIR 8).
        latent_hidden: hidden widths of the perceptron of LR pixels (published: one, as wide as its output: 208).
        largest_scale: of the training; beyond it both are given the cell of that scale (published test: 4); inf: none.
        tables: for rendering by levels, [scale, threshold] of every level; none: every pixel is decoded.
    """

    has_weights = True
    rendering = "decoded at every pixel's centre"

    def __init__(
        self,
        *,
        encoder: Encoder,
        width: Width,
        depth: Depth,
        latent_hidden: Widths,
        largest_scale: PositiveOrInfinite,
        tables: Sequence[Table],
    ) -> None:
        super().__init__()
        self.encoder, self.largest_scale, self.tables = encoder, largest_scale, tables
        relu = partial(nn.ReLU, inplace=True)
        self.hypernet = mlp([9 * lr_channels(encoder) + 2, *latent_hidden, (2 * depth + 1) * width], relu)
        self.imnet = mlp([width + 4, *[width] * depth, 3], relu)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ImplicitImage:
        """The image of a batch of RGB images in [0, 1]."""
        features = self.encoder(to_normalised(lr))
        first = FeatureGrid.of(linear_of_unfolded(features, self.hypernet.first.weight[:, :-2]))
        latent = _Latent(self, first, len(lr))
        if not self.tables:
            return ImplicitImage(lr, latent.colors)
        return MultiScaleImage(
            lr, latent.colors, tables=self.tables, strengths=latent.strengths, decode_one=latent.colors_of_one
        )


class _Latent:
    """Modulations and codes of one batch, kept for the output size that was asked for last."""

    def __init__(self, network: LMLIIF, first: FeatureGrid, batch: int) -> None:
        self._network, self._first, self._batch = network, first, batch
        self._known: tuple[tuple[bool, list[list[float]]], FeatureGrid] | None = None

    def colors(self, coordinates: Float[Tensor, "b q yx=2"], cell: Float[Tensor, "b yx=2"]) -> Float[Tensor, "b q rgb=3"]:
        """As `QueryableImage.query`."""
        return from_normalised(rendered(self._network.imnet, self._modulation(cell), coordinates, self._clipped(cell)))

    def colors_of_one(self, image: int, coordinates: Tensor, cell: Tensor, level_cell: Tensor) -> Float[Tensor, "1 q rgb=3"]:
        """As `MultiScaleImage.decode_one`."""
        modulation = self._modulation(cell.expand(self._batch, 2)).of_image(image)
        return from_normalised(rendered(self._network.imnet, modulation, coordinates, self._clipped(level_cell)))

    def strengths(self, cell: Float[Tensor, "b yx=2"]) -> FeatureGrid:
        """The mean of the shifts' absolute values."""
        modulation = self._modulation(cell)
        shifts = (modulation.rows.shape[1] - self._network.imnet.first.out_features) // 2
        return FeatureGrid(modulation.rows[:, shifts : 2 * shifts].abs().mean(1, keepdim=True), modulation.size)

    def _clipped(self, cell: Tensor) -> Tensor:
        return clipped_cell(cell, self._first.size, self._network.largest_scale)

    def _modulation(self, cell: Float[Tensor, "b yx=2"]) -> FeatureGrid:
        key = torch.is_grad_enabled(), cell.tolist()  # what is made without gradients is of no use to a training
        if self._known is None or self._known[0] != key:
            hypernet, (height, width) = self._network.hypernet, self._first.size
            told = linear(self._clipped(cell), hypernet.first.weight[:, -2:], hypernet.first.bias)
            made = hypernet[1:](self._first.rows + told.repeat_interleave(height * width, 0))
            self._known = key, FeatureGrid(made, self._first.size)
        return self._known[1]


PUBLISHED = PublishedForm(
    name="lmliif",
    title="LM-LIIF",
    encoders={"edsr-baseline": "encoder.", "rdn": "encoder."},
    upscale=1,
    arguments={
        "imnet_spec": {
            "name": "lmmlp",
            "args": {"out_dim": 3, "hidden_dim": 16, "hidden_depth": 6, "mod_scale": True, "mod_shift": True},
        },
        "hypernet_spec": {"name": "mlp", "args": {"out_dim": 208, "hidden_list": [208]}},
        "local_ensemble": True,
        "feat_unfold": True,
        "cell_decode": True,
        "mod_input": True,
    },
    ignored=["cmsr_spec"],  # of their test
    names={"hypernet.layers.": "hypernet.", "imnet.layers.": "imnet."},
    config={
        "_target_": "splatsr.models.lmliif.LMLIIF",
        "width": 16,
        "depth": 6,
        "latent_hidden": [208],
        "largest_scale": 4,
        "tables": [],
    },
)
