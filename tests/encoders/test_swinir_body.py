import pytest
import torch

from golden import golden_weights, read_golden
from splatsr.encoders.swinir import SwinIR
from splatsr.encoders.swinir_body import SwinIRBody

SETTINGS = {
    "channels": 12, "depths": [2, 1], "heads": [2, 3], "window": 4, "mlp_ratio": 1.5, "drop_path": 0.0, "upscale": 1,
    "checkpointing": False,
}  # fmt: skip


@torch.inference_mode()
def test_it_is_swinir_without_the_last_convolution() -> None:
    whole, body = SwinIR(out_channels=5, **SETTINGS).eval(), SwinIRBody(out_channels=12, **SETTINGS).eval()
    state = {name: tensor for name, tensor in whole.state_dict().items() if not name.startswith("conv_before_upsample")}
    body.load_state_dict(state)
    lr = torch.rand(2, 3, 6, 9)
    features = body(lr)
    assert features.shape == (2, 12, 6, 9)
    # Inside the image, where the last convolution sees no padding: there it is all that differs.
    torch.testing.assert_close(whole.conv_before_upsample(features)[..., :5, :8], whole(lr)[..., :5, :8])


def test_its_tensors_are_swinirs() -> None:
    metadata = read_golden("lte-swinir")[1]
    names = {name.removeprefix("encoder.") for name in golden_weights(metadata) if name.startswith("encoder.")}
    published = {name for name in names if "attn_mask" not in name and "relative_position_index" not in name}
    settings = {**SETTINGS, "channels": 180, "depths": [6] * 6, "heads": [6] * 6, "window": 8}
    ours = set(SwinIRBody(out_channels=180, **settings).state_dict())
    assert ours == {name for name in published if "conv_before_upsample" not in name}


def test_there_is_no_tail_and_no_identity_initialisation() -> None:
    with pytest.raises(ValueError, match="out_channels must equal channels"):
        SwinIRBody(out_channels=5, **SETTINGS)
    with pytest.raises(ValueError, match="no identity initialisation"):
        SwinIRBody(out_channels=12, **SETTINGS).initialise_identity()
