"""DRSformer, "Learning a Sparse Transformer Network for Effective Image Deraining" (Chen et al., CVPR 2023): an image in, the
same without rain out. What it adds to the image is one convolution of its body's features (`encoders.sparse_transformer`).
"""

import re
from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from splatsr.decoders.feature_grid import lr_channels
from splatsr.decoders.fetched_pixels import fetched
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.encoders.encoder import Encoder
from splatsr.encoders.reflect import reflect_to_multiple
from splatsr.image.model import Model
from splatsr.image.precision import in_float32
from splatsr.published_form import PublishedState


class DRSformer(Model):
    """Image to ImplicitImage of its size; at other sizes its pixels are repeated (`decoders.fetched_pixels`).

    Args:
        encoder: image to features of its pixels.
    """

    has_weights = True
    rendering = "made at x1; at other scales the nearest of those pixels"

    def __init__(self, *, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.output = nn.Conv2d(lr_channels(encoder), 3, 3, padding=1, bias=False)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ImplicitImage:
        """The images of a batch of RGB images in [0, 1]."""
        whole = reflect_to_multiple(lr, self.encoder.size_multiple)
        made = whole + in_float32(self.output, self.encoder(whole))
        return fetched(lr, made[..., : lr.shape[-2], : lr.shape[-1]])


_NAMES = (
    (r"patch_embed\.proj\.", "patch_embed."),
    (r"(.+\.norm\d)\.body\.", r"\1."),
    (r"(down\d_\d|up\d_\d)\.body\.", r"\1."),
    (r"(encoder_level0|refinement)\.layers\.0\.ca_fc\.", r"\1.gate."),
    (r"(encoder_level0|refinement)\.layers\.1\.preprocess\.op\.0\.", r"\1.preprocess."),
    (r"(encoder_level0|refinement)\.layers\.1\._ops\.(\d)\._ops\.(\d)\.op\.", r"\1.steps.\2.operations.\3."),
    (r"(encoder_level0|refinement)\.layers\.1\._ops\.(\d)\._out\.0\.", r"\1.steps.\2.out."),
)
"""How published names begin, and ours."""


def _our_name(name: str) -> str:
    if name.startswith("output."):
        return name
    found = ((re.match(theirs, name), ours) for theirs, ours in _NAMES)
    return "encoder." + next((match.expand(ours) + name[match.end() :] for match, ours in found if match), name)


def _read(state: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """(configuration, tensors) of a published file: what it says of the network are its tensors' names and shapes."""
    levels = ("encoder_level1", "encoder_level2", "encoder_level3", "latent")
    known = {level: {name.split(".")[1] for name in state if name.startswith(f"{level}.")} for level in levels}
    channels = 2 * state["patch_embed.proj.weight"].shape[0]
    hidden = state["encoder_level1.0.ffn.project_out.weight"].shape[1] // 2
    encoder = {
        "_target_": "splatsr.encoders.sparse_transformer.SparseTransformer",
        "channels": channels,
        "depths": [len(known[level]) for level in levels],
        "heads": [state[f"{level}.0.attn.temperature"].shape[0] for level in levels],
        "expansion": 2.66 if int(channels // 2 * 2.66) == hidden else hidden / (channels // 2),
        "mixtures": any(name.startswith("encoder_level0.") for name in state),
        "upscale": 1,
        "out_channels": channels,
    }
    config = {"_target_": "splatsr.models.drsformer.DRSformer", "encoder": encoder}
    return config, {_our_name(name): tensor for name, tensor in state.items()}


PUBLISHED_STATES = [
    PublishedState(
        title="DRSformer",
        known_by=[
            "patch_embed.proj.weight",
            "output.weight",
            "encoder_level1.0.ffn.project_out.weight",
            *(f"{level}.0.attn.temperature" for level in ("encoder_level1", "encoder_level2", "encoder_level3", "latent")),
        ],
        read=_read,
    )
]
