"""The encoders in published checkpoints: what a file's arguments must say about them, and what they are here.

The hyperparameters' home is conf/model/encoder/, see `PublishedForm.config`. Those of HAT are the ones published for HAT x4:
the public ContinuousSR file was not at hand when this was written, so its first load must confirm them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class PublishedEncoder(NamedTuple):
    """An encoder of the published code.

    Attributes:
        arguments: what the file's arguments must say, where they are there at all.
        tail: further arguments, by upscale; only these upscales are published.
        config: the constructor's arguments here, without `upscale`.
    """

    arguments: Mapping[str, Any]
    tail: Mapping[int, Mapping[str, Any]]
    config: Mapping[str, Any]


_SWINIR_BODY = {
    "channels": 180,
    "depths": [6] * 6,
    "heads": [6] * 6,
    "window": 8,
    "mlp_ratio": 2.0,
    "drop_path": 0.1,
    "checkpointing": False,
}

ENCODERS = {
    "swinir": PublishedEncoder(
        arguments={},  # the published code fixes them all
        tail={1: {"no_upsampling": True}, 4: {}},
        config={"_target_": "splatsr.encoders.swinir.SwinIR", "out_channels": 64, **_SWINIR_BODY},
    ),
    "swinir-body": PublishedEncoder(  # of CiaoSR
        arguments={},
        tail={1: {}},
        config={"_target_": "splatsr.encoders.swinir_body.SwinIRBody", "out_channels": 180, **_SWINIR_BODY},
    ),
    "hat": PublishedEncoder(
        arguments={
            "in_chans": 3,
            "img_size": 64,
            "window_size": 16,
            "compress_ratio": 3,
            "squeeze_factor": 30,
            "conv_scale": 0.01,
            "overlap_ratio": 0.5,
            "img_range": 1.0,
            "depths": [6] * 6,
            "embed_dim": 180,
            "num_heads": [6] * 6,
            "mlp_ratio": 2,
            "resi_connection": "1conv",
        },
        tail={4: {"upscale": 4, "upsampler": "pixelshuffle"}},
        config={
            "_target_": "splatsr.encoders.hat.HAT",
            "channels": 180,
            "depths": [6] * 6,
            "heads": [6] * 6,
            "window": 16,
            "compress": 3,
            "squeeze": 30,
            "conv_scale": 0.01,
            "overlap": 0.5,
            "mlp_ratio": 2.0,
            "drop_path": 0.1,
            "out_channels": 64,
            "checkpointing": False,
        },
    ),
    "hat-rotary": PublishedEncoder(  # of GSASR ultra
        arguments={},
        tail={1: {}},
        config={
            "_target_": "splatsr.encoders.hat_rotary.RotaryHAT",
            "channels": 192,
            "depths": [6] * 12,
            "heads": [6] * 12,
            "window": 16,
            "compress": 3,
            "squeeze": 32,
            "conv_scale": 0.01,
            "overlap": 0.5,
            "mlp_ratio": 2.0,
            "drop_path": 0.1,
            "out_channels": 64,
            "checkpointing": False,
        },
    ),
    "edsr-baseline": PublishedEncoder(
        arguments={"n_resblocks": 16, "n_feats": 64, "res_scale": 1, "rgb_range": 1},
        tail={1: {"no_upsampling": True}, 4: {"scale": 4, "no_upsampling": False}},
        config={
            "_target_": "splatsr.encoders.edsr.EDSR",
            "channels": 64,
            "blocks": 16,
            "out_channels": 64,
            "input_mean": 0.0,
        },
    ),
    "edsr-without-skip": PublishedEncoder(  # of GSASR
        arguments={},
        tail={1: {}},
        config={
            "_target_": "splatsr.encoders.edsr_without_skip.EDSRWithoutSkip",
            "channels": 64,
            "blocks": 16,
            "out_channels": 64,
            "input_mean": 0.0,
        },
    ),
    "rdn": PublishedEncoder(
        arguments={"G0": 64, "RDNkSize": 3, "RDNconfig": "B"},
        tail={1: {"no_upsampling": True}, 4: {"scale": 4, "no_upsampling": False}},
        config={
            "_target_": "splatsr.encoders.rdn.RDN",
            "channels": 64,
            "growth": 64,
            "blocks": 16,
            "layers": 8,
            "out_channels": 64,
        },
    ),
    "rrdb": PublishedEncoder(  # of LINF
        arguments={},
        tail={1: {"no_upsampling": True}},
        config={
            "_target_": "splatsr.encoders.rrdb.RRDB",
            "channels": 64,
            "growth": 32,
            "blocks": 23,
            "out_channels": 64,
        },
    ),
}
