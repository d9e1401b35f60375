from pathlib import Path

import pytest
import torch

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.encoders.encoder import Encoder
from splatsr.runs.configuration import CONF

NAMES = sorted(path.stem for path in Path(CONF / "model/encoder").glob("*.yaml"))
SMALL = {"channels": 12, "blocks": 1, "layers": 1, "growth": 12, "depths": [1], "heads": [2], "squeeze": 4, "window": 4} | {
    "wide": 4
}


WITHOUT_TAIL = ("swinir_body", "rrdb", "sparse_transformer")
OWN = {"sparse_transformer": {"depths": [1] * 4, "heads": [1, 1, 2, 2]}}


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_features_are_as_many_and_as_fine_as_the_encoder_says(name: str) -> None:
    config = settings_of("model=continuoussr", f"model/encoder={name}")["model"]["encoder"]
    config = {key: SMALL.get(key, value) for key, value in config.items()}
    wanted = {"out_channels": 12} | ({} if name in WITHOUT_TAIL else {"upscale": 2}) | OWN.get(name, {})
    encoder = build({**config, **wanted}).eval()
    assert isinstance(encoder, Encoder)
    assert encoder(torch.rand(1, 3, 6, 5)).shape == (1, encoder.out_channels, 6 * encoder.upscale, 5 * encoder.upscale)
    assert (encoder.tiling is None) == (name == "sparse_transformer")  # which attends to whole images


def test_an_encoder_without_an_identity_initialisation_says_so() -> None:
    with pytest.raises(ValueError, match="Encoder has no identity initialisation"):
        Encoder().initialise_identity()
