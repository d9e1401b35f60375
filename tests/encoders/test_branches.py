import copy

import pytest
import torch
from timm.layers import DropPath, Mlp
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from splatsr.encoders import branches
from splatsr.encoders.branches import attention_branch, mlp_branch, runs_as_loops
from splatsr.encoders.hat import HybridBlock
from splatsr.encoders.swinir import SwinBlock
from splatsr.encoders.window_attention import WindowAttention


def swin_block(*, channels: int, heads: int, window: int, shift: int) -> SwinBlock:
    """In eval mode, with weights that make every part matter."""
    block = SwinBlock(channels=channels, heads=heads, window=window, shift=shift, mlp_ratio=2.0, drop_path=0.5).eval()
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=channels**-0.5 if parameter.ndim > 1 else 0.5)
    nn.init.normal_(block.attn.relative_position_bias_table)
    return block.requires_grad_(False)


def as_torch_operations(block: nn.Module, x: Tensor) -> Tensor:
    """In float64, which the loops do not take."""
    return copy.deepcopy(block).double()(x.double()).float()


@pytest.fixture
def loops_run(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the loops that ran."""
    ran = []
    for name in ("attend_windows", "mix_channels"):

        def noted(*arguments: object, name: str = name, loop: object = getattr(branches, name)) -> None:
            ran.append(name)
            loop(*arguments)

        monkeypatch.setattr(branches, name, noted)
    return ran


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize(
    ("channels", "heads", "window", "height", "width"),
    [
        (180, 6, 8, 16, 24),  # SwinIR's: heads of 30 channels
        (12, 3, 4, 8, 4),  # one panel a window, one window along x
        (20, 2, 5, 15, 10),  # a panel that 25 pixels do not fill
        (6, 2, 2, 4, 6),  # fewer pixels than lanes
        (32, 1, 16, 32, 16),  # sixteen panels, one head
    ],
)
def test_loops_compute_what_torch_operations_do(
    channels: int, heads: int, window: int, height: int, width: int, shifted: bool, loops_run: list[str]
) -> None:
    block = swin_block(channels=channels, heads=heads, window=window, shift=window // 2 if shifted else 0)
    x = 3 * torch.randn(2, height, width, channels) + 1
    with torch.no_grad():
        ours = block(x)
        assert set(loops_run) == {"attend_windows", "mix_channels"}
        torch.testing.assert_close(ours, as_torch_operations(block, x), atol=2e-5, rtol=1e-5)


@torch.no_grad()
def test_loops_stay_accurate_far_from_the_usual() -> None:
    block = swin_block(channels=24, heads=2, window=4, shift=2)
    block.attn.qkv.weight *= 30  # logits of hundreds: softmaxes that are nearly one-hot
    block.mlp.fc1.weight *= 10  # GELU from -40 to 40
    block.mlp.fc2.weight /= 10
    x = torch.randn(1, 8, 8, 24) + 100  # a mean that a sum of squares would drown in
    expected = as_torch_operations(block, x)
    with sdpa_kernel(SDPBackend.MATH):
        in_float32 = block(x)
    assert (block(x) - expected).abs().max() < 4 * (in_float32 - expected).abs().max() < 0.1


@torch.no_grad()
def test_gelu_is_that_of_torch_to_a_millionth() -> None:
    norm, mlp = nn.LayerNorm(2).eval(), Mlp(2, 2).eval()
    nn.init.zeros_(norm.weight)  # the MLP sees the norm's shift alone
    for layer in (mlp.fc1, mlp.fc2):
        nn.init.eye_(layer.weight)
        nn.init.zeros_(layer.bias)
    for value in torch.linspace(-12, 12, 97):
        nn.init.constant_(norm.bias, float(value))
        ours = mlp_branch(torch.zeros(1, 1, 1, 2), norm, mlp, nn.Identity())
        torch.testing.assert_close(ours[0, 0, 0, 0], nn.functional.gelu(value), atol=1e-6, rtol=1e-6)


@torch.no_grad()
def test_the_number_of_threads_changes_nothing() -> None:
    block, x = swin_block(channels=12, heads=3, window=4, shift=2), torch.randn(1, 24, 24, 12)
    threads = torch.get_num_threads()
    results = []
    for count in (1, 3):
        torch.set_num_threads(count)
        try:
            results.append(block(x))
        finally:
            torch.set_num_threads(threads)
    assert torch.equal(*results)


@torch.no_grad()
def test_grids_may_lie_in_memory_in_any_order() -> None:
    block, x = swin_block(channels=12, heads=3, window=4, shift=2), torch.randn(1, 12, 8, 8)
    assert torch.equal(block(x.permute(0, 2, 3, 1)), block(x.permute(0, 2, 3, 1).contiguous()))


def test_hybrid_blocks_run_as_loops_too(loops_run: list[str]) -> None:
    sizes = {"window": 4, "shift": 2, "compress": 3, "squeeze": 3, "mlp_ratio": 2.0}
    block = HybridBlock(channels=12, heads=3, conv_scale=0.5, drop_path=0.5, **sizes).eval()
    x = torch.randn(1, 8, 8, 12)
    with torch.no_grad():
        torch.testing.assert_close(block(x), as_torch_operations(block, x), atol=1e-5, rtol=1e-5)
    assert set(loops_run) == {"attend_windows", "mix_channels"}


def test_gradients_training_other_types_and_counters_get_torch_operations(loops_run: list[str]) -> None:
    block, x = swin_block(channels=12, heads=3, window=4, shift=2), torch.randn(1, 8, 8, 12)
    with torch.enable_grad():
        block(x)
    with torch.no_grad():
        block.double()(x.double())
        block.float()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            block(x)
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            block(x)
        pixels, channels, keys = 64, 12, 16
        assert counter.get_total_flops() == 2 * pixels * (8 * channels**2 + 2 * keys * channels)
        block.train()(x)
    assert loops_run == []
    assert not runs_as_loops(block.norm1, x)


@torch.no_grad()
def test_in_training_a_sample_skips_a_branch() -> None:
    torch.manual_seed(0)
    norm, attention = nn.LayerNorm(12), WindowAttention(channels=12, heads=3, window=4, shift=0)
    x = torch.randn(64, 4, 4, 12)
    skipped = (attention_branch(x, norm, attention, DropPath(0.5)) == x).flatten(1).all(1)
    assert 16 < int(skipped.sum()) < 48
