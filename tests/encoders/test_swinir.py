import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from published import IMAGES, assert_image_equal, assert_kernels_equal, our_shapes, published_network
from splatsr.arguments import check_arguments
from splatsr.encoders.swinir import SwinBlock, SwinIR
from splatsr.encoders.window_attention import WindowAttention
from splatsr.errors import InputError


def small(*, upscale: int = 2, drop_path: float = 0.0, checkpointing: bool = False) -> SwinIR:
    return SwinIR(
        channels=12, depths=[2, 1], heads=[2, 3], window=4, mlp_ratio=1.5, drop_path=drop_path, upscale=upscale,
        out_channels=8, checkpointing=checkpointing,
    )  # fmt: skip


@pytest.fixture(scope="module")
def golden():  # noqa: ANN201
    """(encoder, field of the golden input, golden tensors, metadata)"""
    model, tensors, metadata = published_network("continuoussr-swinir", "model/encoder=swinir")
    with torch.inference_mode():
        return model.encoder, model(tensors["input"]), tensors, metadata


def test_kernel_parameters_equal_the_published_network(golden) -> None:
    _, field, tensors, _ = golden
    assert_kernels_equal(field, tensors)


@pytest.mark.parametrize(("name", "mode"), IMAGES)
def test_images_equal_the_published_network(golden, name: str, mode: str) -> None:
    _, field, tensors, metadata = golden
    assert_image_equal(field, tensors, metadata, name=name, mode=mode)


def test_state_dict_is_the_published_one_without_unused_layers_and_buffers(golden) -> None:
    encoder, _, _, metadata = golden
    ours = {f"encoder.{name}": tuple(tensor.shape) for name, tensor in encoder.state_dict().items()}
    assert ours == {name: shape for name, shape in our_shapes(metadata).items() if name.startswith("encoder.")}
    conv_last = 3 * 64 * 9 + 3
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 11_900_199 - conv_last


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 9), (8, 5), (8, 12)])
@torch.inference_mode()
def test_every_size_has_a_grid_upscale_times_as_fine(height: int, width: int) -> None:
    encoder = small(upscale=4).eval()
    pair = torch.rand(2, 3, height, width)
    together = encoder(pair)
    assert together.shape == (2, 8, 4 * height, 4 * width)
    torch.testing.assert_close(together[1:], encoder(pair[1:]), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_features_of_a_padded_image_are_cropped() -> None:
    encoder = small().eval()
    lr = torch.rand(1, 3, 6, 7)
    padded = torch.nn.functional.pad(lr, (0, 1, 0, 2), mode="reflect")
    torch.testing.assert_close(encoder(lr), encoder(padded)[..., :12, :14], atol=0, rtol=0)


@pytest.mark.parametrize("upscale", [1, 2, 4, 6])
@torch.inference_mode()
def test_carried_rgb_is_the_input_enlarged(upscale: int) -> None:
    encoder = small(upscale=upscale).eval()
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    matrix, offset = encoder.initialise_identity()
    lr = torch.rand(2, 3, 5, 7) * 1.5 - 0.25
    features = encoder(lr)
    rgb = torch.einsum("rc,bchw->brhw", matrix, features) + offset
    torch.testing.assert_close(rgb, lr.repeat_interleave(upscale, 2).repeat_interleave(upscale, 3), atol=1e-6, rtol=1e-6)
    assert features[:, 6:].std() > 1e-3, "the other channels still see the image"
    changed = {name for name, tensor in encoder.state_dict().items() if (tensor != before[name]).any()}
    assert {name.split(".")[0] for name in changed} <= {"conv_first", "conv_after_body", "conv_before_upsample", "upsample"}


def test_checkpointing_changes_no_gradient() -> None:
    lr, gradients = torch.rand(2, 3, 5, 6), []
    plain, checkpointed = small(drop_path=0.5), small(drop_path=0.5, checkpointing=True)
    checkpointed.load_state_dict(plain.state_dict())
    for encoder in (plain, checkpointed):
        torch.manual_seed(3)
        encoder(lr).square().sum().backward()
        gradients.append([parameter.grad for parameter in encoder.parameters()])
    for without, with_checkpoints in zip(*gradients, strict=True):
        torch.testing.assert_close(without, with_checkpoints, atol=0, rtol=0)


def test_odd_blocks_are_shifted_and_paths_dropped_more_and_more() -> None:
    encoder = small(drop_path=0.2)
    blocks = [block for group in encoder.layers for block in group.residual_group["blocks"]]
    assert [block.attn.shift for block in blocks] == [0, 2, 0]
    assert [block.drop_path.drop_prob for block in blocks] == pytest.approx([0, 0.1, 0.2])


def test_first_weights_are_the_published_ones() -> None:
    encoder = small()
    for layer in encoder.modules():
        if isinstance(layer, torch.nn.Linear):
            assert 0.01 < layer.weight.std() < 0.03
            assert (layer.bias == 0).all()
        if isinstance(layer, torch.nn.LayerNorm):
            assert (layer.weight == 1).all()
            assert (layer.bias == 0).all()
        if isinstance(layer, WindowAttention):
            assert 0.01 < layer.relative_position_bias_table.std() < 0.03


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(InputError, match="upscale must be one of 1, 2, 3, 4, 6, 8; got 5"):
        check_arguments(SwinIR, {"upscale": 5}, where="model.encoder")
    settings = {"channels": 12, "window": 4, "mlp_ratio": 2.0, "drop_path": 0.0, "upscale": 2, "checkpointing": False}
    with pytest.raises(ValueError, match="as many groups, got 2 and 1"):
        SwinIR(depths=[1, 1], heads=[2], out_channels=8, **settings)
    with pytest.raises(ValueError, match="at least 6 out_channels"):
        SwinIR(depths=[1], heads=[2], out_channels=4, **settings).initialise_identity()


@torch.no_grad()
def test_in_training_a_sample_skips_a_branch() -> None:
    torch.manual_seed(0)
    block = SwinBlock(channels=12, heads=3, window=4, shift=0, mlp_ratio=2.0, drop_path=0.5)
    for parameter in block.mlp.fc2.parameters():
        torch.nn.init.zeros_(parameter)  # the attention is what remains
    x = torch.randn(64, 4, 4, 12)
    assert 16 < int((block(x) == x).flatten(1).all(1).sum()) < 48


def test_multiply_adds_are_counted_without_the_zeros_that_pad_heads() -> None:
    block, pixels, channels, keys = SwinBlock(channels=12, heads=3, window=4, shift=2, mlp_ratio=2.0, drop_path=0.0), 64, 12, 16
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        block(torch.randn(1, 8, 8, 12))
    assert counter.get_total_flops() == 2 * pixels * (8 * channels**2 + 2 * keys * channels)
