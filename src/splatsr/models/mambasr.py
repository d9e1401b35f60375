"""MambaSR, "Arbitrary-Scale Super-Resolution Integrating Mamba with Fast Fourier Convolution Blocks" (Yan et al., Mathematics
12(15), 2024): SRNO with groups of state-space blocks between encoder and decoder.

A block is a two-dimensional selective scan and two Fourier convolutions, each added to its input. Both see the whole image, at
a cost that is linear in its pixels.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.bounds import Depths, PositiveOrInfinite, Width
from splatsr.decoders.attended_image import AttendedImage
from splatsr.decoders.feature_grid import lr_channels
from splatsr.decoders.neural_operator import PUBLISHED_NAMES, NeuralOperator
from splatsr.decoders.normalised_rgb import to_normalised
from splatsr.encoders.encoder import Encoder
from splatsr.encoders.fourier_convolution import FourierConvolution
from splatsr.encoders.selective_scan_2d import SelectiveScan2D
from splatsr.encoders.window_transformer import ResidualGroup, convolve
from splatsr.image.model import Model
from splatsr.published_form import PublishedForm


class StateSpaceBlock(nn.Module):
    """s x + scan(norm(x)), then s' x + convolutions(norm(x)), with factors s and s' for each channel, on a channels-last grid.

    Args:
        channels: of the grid.
        states: of every channel of the scan.
        expansion: channels of the scan per channel of the grid.
    """

    def __init__(self, *, channels: int, states: int, expansion: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.self_attention = SelectiveScan2D(channels=channels, states=states, expansion=expansion)
        convolutions = (FourierConvolution(channels=channels), nn.GELU(), FourierConvolution(channels=channels))
        self.conv_blk = nn.ModuleDict({"cab": nn.Sequential(*convolutions)})
        self.skip_scale, self.skip_scale2 = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.ones(channels))

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        """Every image for itself."""
        x = x * self.skip_scale + self.self_attention(self.ln_1(x))
        return x * self.skip_scale2 + convolve(self.conv_blk["cab"], self.ln_2(x))


class MambaSR(Model):
    """LR image to AttendedImage.

    Args:
        encoder: LR to features on the LR grid.
        depths: state-space blocks of every group (published: 6 and 6).
        states: of every channel of a scan (published: 16).
        expansion: channels of the scans per channel of the features (published: 2).
        width: channels of a point's features (published: 256).
        heads: of the attention (published, as "blocks": 16); the width is a multiple of them.
        largest_scale: of the training; beyond it the network is given the cell of that scale (published demo: 4); inf: none.
    """

    has_weights = True
    rendering = "decoded at every pixel's centre, all pixels together"

    def __init__(
        self,
        *,
        encoder: Encoder,
        depths: Depths,
        states: Width,
        expansion: Width,
        width: Width,
        heads: Width,
        largest_scale: PositiveOrInfinite,
    ) -> None:
        super().__init__()
        channels = lr_channels(encoder)
        self.encoder = encoder
        self.layers = nn.Sequential(
            *(
                ResidualGroup(
                    channels=channels,
                    blocks=[StateSpaceBlock(channels=channels, states=states, expansion=expansion) for _ in range(depth)],
                    overlap_attn=None,
                    checkpointing=False,
                )
                for depth in depths
            )
        )
        self.operator = NeuralOperator(channels=channels, width=width, heads=heads, largest_scale=largest_scale)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> AttendedImage:
        """The image of a batch of RGB images in [0, 1]."""
        features = self.encoder(to_normalised(lr)).permute(0, 2, 3, 1)
        return self.operator(lr, self.layers(features).permute(0, 3, 1, 2))


PUBLISHED = PublishedForm(
    name="mambasr",
    title="MambaSR",
    encoders={"edsr-baseline": "encoder.", "rdn": "encoder."},
    upscale=1,
    arguments={"width": 256, "blocks": 16},
    ignored=[],
    names={"layers.": "layers.", **PUBLISHED_NAMES},
    unused=["conv2."],
    config={
        "_target_": "splatsr.models.mambasr.MambaSR",
        "depths": [6, 6],
        "states": 16,
        "expansion": 2,
        "width": 256,
        "heads": 16,
        "largest_scale": 4,
    },
)
