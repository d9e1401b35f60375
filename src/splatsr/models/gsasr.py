"""GSASR, "Generalized and Efficient 2D Gaussian Splatting for Arbitrary-scale Super-Resolution" (Chen et al., ICCV 2025).

An encoder's features, and the scale, make sixteen Gaussians per LR pixel (`decoders.gaussian_seeds`), whose sum is the output,
each of them cut by a window (`decoders.raster_window`). Unlike ContinuousSR's field they are those of one scale: what the model
returns is a `RepredictedImage`, which keeps the features and predicts Gaussians for every size that is asked for.

Three kinds are published: that of the paper, "enhanced" (rotary positions, convolutions between blocks) and "ultra" (larger).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor

from splatsr.decoders.feature_grid import lr_channels
from splatsr.decoders.gaussian_seeds import GaussianSeeds
from splatsr.decoders.overlapping_tiles import OverlappingTiles, TiledImage
from splatsr.decoders.raster_window import RasterWindow
from splatsr.decoders.repredicted_image import RepredictedImage
from splatsr.encoders.encoder import Encoder
from splatsr.encoders.reflect import reflect_to_multiple
from splatsr.image.model import Model
from splatsr.image.precision import computing_in
from splatsr.published_form import PublishedForm


class GSASR(Model):
    """LR image to RepredictedImage, or in tiles to TiledImage.

    Args:
        encoder: LR to features on the LR grid.
        decoder: makes the decoder, called with `in_channels`.
        window: how far Gaussians reach in an output.
        training_window: the same while training.
        tiles: how images are cut that are no training's; None: they are not.
    """

    has_weights = True
    rendering = "sum of Gaussians at every pixel's centre, predicted for the scale, each within its raster window"

    def __init__(
        self,
        *,
        encoder: Encoder,
        decoder: Callable[..., GaussianSeeds],
        window: RasterWindow,
        training_window: RasterWindow,
        tiles: OverlappingTiles | None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder(in_channels=lr_channels(encoder))
        self.window, self.training_window, self.tiles = window, training_window, tiles
        of_encoder = 1 if encoder.tiling is None else encoder.tiling.multiple
        self.multiple = math.lcm(self.decoder.window, of_encoder)

    @property
    def piece(self) -> int | None:
        """A tile's side."""
        return None if self.tiles is None else self.tiles.split

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> RepredictedImage | TiledImage:
        """The image of a batch of RGB images in [0, 1]."""
        return self._whole(lr) if self.tiles is None or self.training else self.tiles(lr, self._whole)

    def _whole(self, lr: Float[Tensor, "b 3 h w"]) -> RepredictedImage:
        with computing_in(self.precision, lr.device):  # a tile is encoded when it is drawn
            features = self.encoder(reflect_to_multiple(lr, self.multiple))
        window = self.training_window if self.training else self.window
        return RepredictedImage(features, (lr.shape[-2], lr.shape[-1]), self.decoder, window, self.precision)


def _form(
    name: str, title: str, encoders: Mapping[str, str], window: int, injection: list[int], interaction: list[int], **kind: Any
) -> PublishedForm:
    """That of one of the published networks, which all differ in their decoder alone."""
    decoder = {
        "_target_": "splatsr.decoders.gaussian_seeds.GaussianSeeds",
        "_partial_": True,
        "heads": 6,
        "window": window,
        "injection": injection,
        "interaction": interaction,
        **kind,
    }
    raster = {"_target_": "splatsr.decoders.raster_window.RasterWindow"}
    config = {
        "_target_": "splatsr.models.gsasr.GSASR",
        "decoder": decoder,
        "window": {**raster, "dmax": 0.1},
        "training_window": {**raster, "dmax": 0.5},
        "tiles": None,
    }
    return PublishedForm(
        name=name, title=title, encoders=encoders, upscale=1, arguments={}, ignored=[], names={"decoder.": "decoder."},
        config=config, kept=["decoder."],
    )  # fmt: skip


_PAPER = {"channels": 180, "positions": "biases"}
_ENHANCED = {"channels": 192, "positions": "rotary"}
_OF_ENCODER = "encoder."

PUBLISHED = [
    _form("gsasr", "GSASR", dict.fromkeys(("edsr-without-skip", "rdn", "swinir"), _OF_ENCODER), 12, [2], [6] * 6, **_PAPER),
    _form("gsasr-enhanced", "GSASR enhanced", {"edsr-without-skip": _OF_ENCODER}, 12, [2], [6] * 6, **_ENHANCED),
    _form("gsasr-enhanced-rdn", "GSASR enhanced", {"rdn": _OF_ENCODER}, 12, [2, 2], [6] * 6, **_ENHANCED),
    _form("gsasr-enhanced-swinir", "GSASR enhanced", {"swinir": _OF_ENCODER}, 16, [4, 4], [6] * 6, **_ENHANCED),
    _form("gsasr-ultra", "GSASR ultra", {"hat-rotary": _OF_ENCODER}, 16, [4] * 4, [6] * 8, **_ENHANCED),
]
