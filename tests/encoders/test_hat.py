import pytest
import torch
from torch import Tensor

from composed import settings_of
from published import IMAGES, assert_image_equal, assert_kernels_equal, our_shapes, published_network
from splatsr.checkpoints.build import build
from splatsr.encoders.hat import HAT, ChannelAttention, HybridBlock, OverlapAttention
from splatsr.encoders.window_attention import WindowAttention


def small(*, upscale: int = 2, drop_path: float = 0.0, checkpointing: bool = False) -> HAT:
    return HAT(
        channels=12, depths=[2, 1], heads=[2, 3], window=4, compress=3, squeeze=2, conv_scale=0.1, overlap=0.5, mlp_ratio=1.5,
        drop_path=drop_path, upscale=upscale, out_channels=8, checkpointing=checkpointing,
    )  # fmt: skip


def plain_overlap_attention(attention: OverlapAttention, grid: Tensor) -> Tensor:
    """Window by window, with the published table index: 39 (dy - 7) + (dx - 7) for windows of 16 in squares of 24."""
    _, height, width, channels = grid.shape
    window, margin, heads = attention.window, attention.margin, attention.heads
    overlap_window = window + 2 * margin
    own, around = (torch.cartesian_prod(torch.arange(side), torch.arange(side)) for side in (window, overlap_window))
    dy, dx = (around[None] - own[:, None] + window - overlap_window + 1).unbind(-1)
    # a negative index counts from the end
    bias = attention.relative_position_bias_table[(window + overlap_window - 1) * dy + dx].permute(2, 0, 1)
    q, k, v = attention.qkv(attention.norm1(grid)).chunk(3, dim=-1)
    k, v = (torch.nn.functional.pad(part, (0, 0, margin, margin, margin, margin)) for part in (k, v))
    result = torch.zeros_like(grid)
    for y in range(0, height, window):
        for x in range(0, width, window):
            asking = q[:, y : y + window, x : x + window]
            surroundings = (part[:, y : y + overlap_window, x : x + overlap_window] for part in (k, v))
            a, b, c = (p.flatten(1, 2).unflatten(-1, (heads, -1)).transpose(1, 2) for p in (asking, *surroundings))
            seen = (a @ b.mT * (channels // heads) ** -0.5 + bias).softmax(-1) @ c
            result[:, y : y + window, x : x + window] = seen.transpose(1, 2).reshape_as(asking)
    x = grid + attention.proj(result)
    return x + attention.mlp(attention.norm2(x))


@pytest.fixture(scope="module")
def golden():  # noqa: ANN201
    """(encoder, field of the golden input, golden tensors, metadata)"""
    model, tensors, metadata = published_network("continuoussr-hat", "model/encoder=hat")
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
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 20_772_507 - conv_last


def test_hat_l_is_hat_with_twice_the_groups() -> None:
    hat, hat_l = (settings_of("model=continuoussr", f"model/encoder={name}")["model"]["encoder"] for name in ("hat", "hat_l"))
    assert {key for key in hat if hat[key] != hat_l[key]} == {"depths", "heads"}
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in build(hat_l).parameters())
    assert round(count / 1e6, 1) == 40.8, "the paper's table counts 40.8 M parameters"


@pytest.mark.parametrize(("height", "width"), [(4, 4), (8, 12)])
def test_overlapping_attention_is_what_plain_attention_says(height: int, width: int) -> None:
    attention = OverlapAttention(channels=12, heads=2, window=4, overlap=0.5, mlp_ratio=1.5).double()
    torch.nn.init.normal_(attention.relative_position_bias_table)
    grid = torch.randn(2, height, width, 12, dtype=torch.float64)
    torch.testing.assert_close(attention(grid), plain_overlap_attention(attention, grid))


@torch.inference_mode()
def test_channel_attention_scales_by_what_the_means_say() -> None:
    attention = ChannelAttention(channels=6, squeeze=3)
    x = torch.randn(2, 6, 4, 5)
    gate = attention(x) / x
    torch.testing.assert_close(gate, gate.mean((2, 3), keepdim=True).expand_as(x))
    shuffled = x.flatten(2)[..., torch.randperm(20)].view_as(x)
    torch.testing.assert_close(attention(shuffled) / shuffled, gate)  # only the means count


@torch.inference_mode()
def test_the_convolutional_branch_is_weighted_by_conv_scale() -> None:
    settings = {
        "channels": 12,
        "heads": 2,
        "window": 4,
        "shift": 2,
        "compress": 3,
        "squeeze": 6,
        "mlp_ratio": 1.5,
        "drop_path": 0.0,
    }
    block = HybridBlock(attention=WindowAttention, conv_scale=0.5, **settings)
    for silent in (block.attn.proj, block.mlp.fc2):
        torch.nn.init.zeros_(silent.weight)
        torch.nn.init.zeros_(silent.bias)
    x = torch.randn(1, 8, 4, 12)
    branch = block.conv_block(block.norm1(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    torch.testing.assert_close(block(x), x + 0.5 * branch)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 9), (8, 5), (8, 12)])
@torch.inference_mode()
def test_every_size_has_a_grid_upscale_times_as_fine(height: int, width: int) -> None:
    encoder = small(upscale=4).eval()
    pair = torch.rand(2, 3, height, width)
    together = encoder(pair)
    assert together.shape == (2, 8, 4 * height, 4 * width)
    torch.testing.assert_close(together[1:], encoder(pair[1:]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("upscale", [1, 2, 4])
@torch.inference_mode()
def test_carried_rgb_is_the_input_enlarged(upscale: int) -> None:
    encoder = small(upscale=upscale).eval()
    matrix, offset = encoder.initialise_identity()
    lr = torch.rand(2, 3, 5, 7)
    rgb = torch.einsum("rc,bchw->brhw", matrix, encoder(lr)) + offset
    torch.testing.assert_close(rgb, lr.repeat_interleave(upscale, 2).repeat_interleave(upscale, 3), atol=1e-6, rtol=1e-6)


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


def test_every_weight_gets_a_gradient() -> None:
    encoder = small()
    encoder(torch.rand(2, 3, 9, 7)).square().sum().backward()
    silent = [name for name, parameter in encoder.named_parameters() if not parameter.grad.abs().max() > 0]
    assert not silent


def test_impossible_overlaps_are_refused() -> None:
    with pytest.raises(ValueError, match="adds 3 pixels, which do not halve"):
        OverlapAttention(channels=12, heads=2, window=6, overlap=0.5, mlp_ratio=2.0)
