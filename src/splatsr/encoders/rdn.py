"""RDN encoder (Zhang et al. 2018, "Residual Dense Network for Image Super-Resolution"): a layer sees all before it.

State-dict names are those of the public weights (`SFENet1`, `SFENet2`, `RDBs.{d}.convs.{c}.conv.0`, `RDBs.{d}.LFF`,
`GFF.{0,1}`, `UPNet.{0,2}`). The last convolution of UPNet, to RGB, is left out. There is no mean shift.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.bounds import Depth, Upscale, Width
from splatsr.encoders.encoder import Encoder
from splatsr.encoders.identity_initialisation import repeat_through_shuffles, set_first_outputs
from splatsr.encoders.pixel_shuffle import pixel_shuffles, shuffles_see
from splatsr.image.precision import in_float32
from splatsr.image.tiling import Tiling


class DenseLayer(nn.Module):
    """x -> (x, relu(conv(x))): 3x3 convolution; what is new comes last."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(channels, growth, 3, padding=1), nn.ReLU())

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b wider h w"]:
        return torch.cat([x, self.conv(x)], dim=1)


class ResidualDenseBlock(nn.Module):
    """x + fusion(dense layers(x)), the local feature fusion LFF being a 1x1 convolution (the paper's section 3.2)."""

    def __init__(self, channels: int, growth: int, layers: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(*(DenseLayer(channels + index * growth, growth) for index in range(layers)))
        self.LFF = nn.Conv2d(channels + layers * growth, channels, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.LFF(self.convs(x))


class RDN(Encoder):
    """RGB in, features on a grid `upscale` times as fine out. RDN-B: 64 channels, 16 blocks of 8 layers, growth 64.

    Args:
        channels: width between the blocks (the paper's G0).
        growth: channels that each dense layer adds (G).
        blocks: number of residual dense blocks (D).
        layers: dense layers in each (C).
        upscale: 1 (no tail), 2, 3, 4, 6 or 8: pixel-shuffle stages after the global feature fusion.
        out_channels: channels of the features and between the stages (published: `growth`); with upscale 1 it must
            equal `channels`.
    """

    def __init__(
        self, *, channels: Width, growth: Width, blocks: Depth, layers: Depth, upscale: Upscale, out_channels: Width
    ) -> None:
        super().__init__()
        self.upscale, self.out_channels = upscale, out_channels
        self.SFENet1 = nn.Conv2d(3, channels, 3, padding=1)
        self.SFENet2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.RDBs = nn.ModuleList(ResidualDenseBlock(channels, growth, layers) for _ in range(blocks))
        self.GFF = nn.Sequential(nn.Conv2d(blocks * channels, channels, 1), nn.Conv2d(channels, channels, 3, padding=1))
        self.UPNet = pixel_shuffles(channels=channels, out_channels=out_channels, upscale=upscale)
        self.tiling = Tiling(overlap=3 + blocks * layers + shuffles_see(upscale), multiple=1, exact=True, support=0)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c height width"]:
        """Features (B, out_channels, upscale * h, upscale * w) of RGB in [0, 1]."""
        shallow = in_float32(self.SFENet1, lr)
        outputs = [self.SFENet2(shallow)]
        for block in self.RDBs:
            outputs.append(block(outputs[-1]))
        return self.UPNet(shallow + self.GFF(torch.cat(outputs[1:], dim=1)))

    @torch.no_grad()
    def initialise_identity(self) -> tuple[Float[Tensor, "3 c"], float]:
        """Re-initialises so that three channels pass the input to the output unchanged (nearest-neighbour upsampled).

        Returns (matrix, offset) with  lr = matrix @ features + offset  at every grid position. All other weights stay.
        Exact: the way over the global skip and the tail holds no activation.
        """
        set_first_outputs(self.SFENet1, torch.eye(3))
        set_first_outputs(self.GFF[-1], torch.zeros(3, 3))
        repeat_through_shuffles(self.UPNet, 3)
        return torch.eye(3, self.out_channels), 0.0
