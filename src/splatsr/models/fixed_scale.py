"""Networks for a single scale: EDSR, RDN and SwinIR with their own pixel shuffles, a last convolution to RGB after them.

The papers' rows "EDSR-baseline" and "SwinIR" are a network for every whole scale.
"""

import math
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

from annotated_types import Len
from jaxtyping import Float
from torch import Tensor, nn

from splatsr.bounds import Positive
from splatsr.decoders.fetched_pixels import fetched
from splatsr.decoders.implicit_image import ImplicitImage
from splatsr.encoders.encoder import Encoder
from splatsr.encoders.reflect import reflect_to_multiple
from splatsr.errors import InputError
from splatsr.geometry import Number
from splatsr.image.model import Model
from splatsr.image.precision import in_float32
from splatsr.published_form import PublishedState

_DIV2K_MEAN = [0.4488, 0.4371, 0.4040]
"""Of the photographs that EDSR and SwinIR were trained on."""


class FixedScale(Model):
    """LR image to ImplicitImage; at other scales than the network's its pixels are fetched (`decoders.fetched_pixels`).

    Args:
        encoder: LR to features; its `upscale` is the network's scale.
        mean: RGB that is subtracted from the input, and added to the output.
        deviation: what the input is divided by then, and the output multiplied with.
    """

    has_weights = True

    def __init__(self, *, encoder: Encoder, mean: Annotated[Sequence[Number], Len(3, 3)], deviation: Positive) -> None:
        super().__init__()
        self.encoder, self.mean, self.deviation = encoder, mean, deviation
        self.to_rgb = nn.Conv2d(encoder.out_channels, 3, 3, padding=1)

    @property
    def rendering(self) -> str:
        """What a pixel is, in words, for results."""
        return f"made at x{self.encoder.upscale}; at other scales the nearest of those pixels"

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> ImplicitImage:
        """The image of a batch of RGB images in [0, 1]."""
        mean = lr.new_tensor(self.mean).view(3, 1, 1)
        whole = reflect_to_multiple((lr - mean) / self.deviation, self.encoder.size_multiple)
        made = in_float32(self.to_rgb, self.encoder(whole)) * self.deviation + mean
        height, width = (side * self.encoder.upscale for side in lr.shape[-2:])
        return fetched(lr, made[..., :height, :width])


def _upscale(state: Mapping[str, Tensor], shuffles: str) -> int:
    """The product of the factors of pixel shuffles before which these convolutions stand: `upsample.{}.weight`."""
    shapes = [state[name].shape for index in (0, 2, 4) if (name := shuffles.format(index)) in state and _grows(state[name])]
    return math.prod(math.isqrt(outputs // inputs) for outputs, inputs, *_ in shapes)


def _grows(weight: Tensor) -> bool:
    return weight.shape[0] > 3


def _renamed(state: Mapping[str, Tensor], rules: Sequence[tuple[str, str]]) -> dict[str, Tensor]:
    """The tensors under the names that the first fitting rule gives; of all others, the encoder's."""
    renamed = {}
    for name, tensor in state.items():
        found = ((re.match(theirs, name), ours) for theirs, ours in rules)
        new = next((match.expand(ours) + name[match.end() :] for match, ours in found if match), name)
        renamed[new if new.startswith("to_rgb.") else f"encoder.{new}"] = tensor
    return renamed


def _at_unit_range(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same network for RGB in [0, 1], of one for levels 0 to 255: f(255 x; b) = 255 f(x; b / 255)."""
    return {name: tensor / 255 if name.endswith(".bias") else tensor for name, tensor in tensors.items()}


def _config(encoder: dict[str, Any], mean: Sequence[float]) -> dict[str, Any]:
    return {"_target_": "splatsr.models.fixed_scale.FixedScale", "encoder": encoder, "mean": list(mean), "deviation": 1.0}


_Read = tuple[dict[str, Any], dict[str, Tensor]]

_BASICSR_EDSR = (
    (r"conv_first\.", "head.0."),
    (r"body\.(\d+)\.conv1\.", r"body.\1.body.0."),
    (r"body\.(\d+)\.conv2\.", r"body.\1.body.2."),
    (r"conv_after_body\.", "body.16."),
    (r"upsample\.", "tail.0."),
    (r"conv_last\.", "to_rgb."),
)


def _read_edsr(state: Mapping[str, Tensor], *, rules: Sequence[tuple[str, str]], first: str, shuffles: str) -> _Read:
    """EDSR-baseline's authors' files, or BasicSR's: of levels 0 to 255, or [0, 1] where the shift says so."""
    channels = state[first].shape[0]
    if channels != 64:
        raise InputError(f"of EDSR, the baseline of 64 channels is known; this one has {channels}.")
    tensors = _renamed({name: one for name, one in state.items() if not name.startswith(("sub_mean.", "add_mean."))}, rules)
    encoder = {
        "_target_": "splatsr.encoders.edsr.EDSR",
        "channels": channels,
        "blocks": 16,
        "upscale": _upscale(state, shuffles),
        "out_channels": channels,
        "input_mean": 0.0,
    }
    shift = state.get("sub_mean.bias")
    at_unit_range = shift is not None and bool(shift.abs().max() <= 1)
    return _config(encoder, _DIV2K_MEAN), tensors if at_unit_range else _at_unit_range(tensors)


def _read_rdn(state: Mapping[str, Tensor]) -> _Read:
    """RDN's files of the EDSR code: levels 0 to 255, no mean."""
    last = 2 + 2 * ("UPNet.4.weight" in state)
    tensors = _renamed(state, [(rf"UPNet\.{last}\.", "to_rgb.")])
    encoder = {
        "_target_": "splatsr.encoders.rdn.RDN",
        "channels": state["SFENet1.weight"].shape[0],
        "growth": state["RDBs.0.convs.0.conv.0.weight"].shape[0],
        "blocks": len({name.split(".")[1] for name in state if name.startswith("RDBs.")}),
        "layers": len({name.split(".")[3] for name in state if name.startswith("RDBs.0.convs.")}),
        "upscale": _upscale(state, "UPNet.{}.weight"),
        "out_channels": state[f"UPNet.{last}.weight"].shape[1],
    }
    return _config(encoder, [0.0, 0.0, 0.0]), _at_unit_range(tensors)


def _read_swinir(state: Mapping[str, Tensor]) -> _Read:
    """SwinIR's files for classical super-resolution: RGB in [0, 1], the mean of DIV2K subtracted."""
    if any(".overlap_attn." in name for name in state):
        raise InputError("this is HAT, not SwinIR: give it to a training as encoder_checkpoint.")
    block = "layers.{}.residual_group.blocks.0."
    groups = range(len({name.split(".")[1] for name in state if name.startswith("layers.")}))
    blocks = [{name.split(".")[4] for name in state if name.startswith(f"layers.{group}.residual_group.")} for group in groups]
    tables = [state[f"{block.format(group)}attn.relative_position_bias_table"].shape for group in groups]
    channels = state["conv_first.weight"].shape[0]
    encoder = {
        "_target_": "splatsr.encoders.swinir.SwinIR",
        "channels": channels,
        "depths": [len(one) for one in blocks],
        "heads": [heads for _, heads in tables],
        "window": (math.isqrt(tables[0][0]) + 1) // 2,
        "mlp_ratio": state[f"{block.format(0)}mlp.fc1.weight"].shape[0] / channels,
        "drop_path": 0.1,
        "upscale": _upscale(state, "upsample.{}.weight"),
        "out_channels": state["conv_last.weight"].shape[1],
        "checkpointing": False,
    }
    return _config(encoder, _DIV2K_MEAN), _renamed(state, [(r"conv_last\.", "to_rgb.")])


PUBLISHED_STATES = [
    PublishedState(
        title="EDSR-baseline",
        known_by=["head.0.weight", "body.16.weight", "tail.0.0.weight", "tail.1.weight"],
        read=partial(_read_edsr, rules=[(r"tail\.1\.", "to_rgb.")], first="head.0.weight",
                     shuffles="tail.0.{}.weight"),
    ),
    PublishedState(
        title="EDSR-baseline (BasicSR)",
        known_by=["conv_first.weight", "body.15.conv1.weight", "upsample.0.weight", "conv_last.weight"],
        read=partial(_read_edsr, rules=_BASICSR_EDSR, first="conv_first.weight", shuffles="upsample.{}.weight"),
    ),
    PublishedState(title="RDN", known_by=["SFENet1.weight", "RDBs.0.LFF.weight", "UPNet.2.weight"], read=_read_rdn),
    PublishedState(
        title="SwinIR",
        known_by=[
            "conv_first.weight", "layers.0.residual_group.blocks.0.attn.relative_position_bias_table",
            "conv_before_upsample.0.weight", "upsample.0.weight", "conv_last.weight",
        ],
        read=_read_swinir,
    ),
]  # fmt: skip
