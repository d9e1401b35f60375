"""The two branches of a window transformer's block: x + attention(norm(x)) and x + mlp(norm(x)).

As torch operations, or, on CPUs without gradients, as compiled loops (window_loops.py) that take a few pixels at a time
through a whole branch, in the cache (benchmarks/attention.py).
"""

import numpy as np
import torch
from jaxtyping import Float
from timm.layers import Mlp
from torch import Tensor, nn

from splatsr.encoders.window_attention import WindowAttention, relative_bias, window_order
from splatsr.encoders.window_loops import attend_windows, mix_channels
from splatsr.simd.lanes import LANES
from splatsr.simd.threads import even_ranges, in_parallel

_PANELS = 4
"""Panels of the MLP that are in work at once: its weights are read once for all of them."""


def attention_branch(
    x: Float[Tensor, "b h w c"],
    norm: nn.LayerNorm,
    attention: WindowAttention,
    drop_path: nn.Module,
    *,
    normed: Float[Tensor, "b h w c"] | None = None,
) -> Float[Tensor, "b h w c"]:
    """x + drop_path(attention(norm(x))); attention and drop_path must be in the norm's mode, training or eval.

    `normed` is norm(x) where the caller needs it, too; torch operations then take it instead of keeping a second one for the
    backward pass.
    """
    if not runs_as_loops(norm, x):
        return x + drop_path(attention(norm(x) if normed is None else normed))
    order = window_order(*x.shape[:3], attention.window, attention.shift, x.device)
    bias = relative_bias(attention.relative_position_bias_table.flip(0), own=attention.window, other=attention.window)
    mask = attention.shift_mask.flatten(0, 1) if attention.shift else torch.zeros_like(bias[:1])
    rows, out = _rows(x), torch.empty(x.shape)
    arguments = (
        rows, order.pixels.numpy(), attention.window, attention.heads, *_norm(norm), *_layer(attention.qkv),
        *_layer(attention.proj), _panels(bias), _panels(mask), np.repeat(np.arange(len(order.counts)), order.counts),
    )  # fmt: skip
    filled = _rows(out)
    windows = even_ranges(sum(order.counts), smallest=1)
    in_parallel(lambda piece: attend_windows(*arguments, *windows[piece], filled), range(len(windows)))
    return out


def mlp_branch(x: Float[Tensor, "b h w c"], norm: nn.LayerNorm, mlp: Mlp, drop_path: nn.Module) -> Float[Tensor, "b h w c"]:
    """x + drop_path(mlp(norm(x))), the MLP with GELU; mlp and drop_path must be in the norm's mode, training or eval."""
    if not runs_as_loops(norm, x):
        return x + drop_path(mlp(norm(x)))
    rows, out = _rows(x), torch.empty(x.shape)
    arguments = rows, np.arange(len(rows)), *_norm(norm), *_layer(mlp.fc1), *_layer(mlp.fc2), _PANELS
    filled = _rows(out)
    pieces = even_ranges(len(rows), smallest=_PANELS * LANES)
    in_parallel(lambda piece: mix_channels(*arguments, *pieces[piece], filled), range(len(pieces)))
    return out


def runs_as_loops(layer: nn.Module, x: Tensor) -> bool:
    """float32 on a CPU, eval mode, no gradients, neither traced nor autocast.

    Within `sdpa_kernel(SDPBackend.MATH)`, which counters of multiply-adds use, torch operations run, too.
    """
    return (
        not (torch.is_grad_enabled() or layer.training or torch.compiler.is_compiling())
        and (x.device.type, x.dtype) == ("cpu", torch.float32)
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.cuda.flash_sdp_enabled()
    )


def _rows(grid: Float[Tensor, "b h w c"]) -> np.ndarray:
    """(pixels, c), the grid's own memory where that is in order."""
    return grid.reshape(-1, grid.shape[-1]).numpy()


def _array(values: Tensor) -> np.ndarray:
    return values.detach().contiguous().numpy()


def _layer(layer: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    assert isinstance(layer, nn.Linear)
    return _array(layer.weight).ravel(), _array(layer.bias)


def _norm(norm: nn.LayerNorm) -> tuple[np.ndarray, np.ndarray, np.float32]:
    return _array(norm.weight), _array(norm.bias), np.float32(norm.eps)


def _panels(pairs: Float[Tensor, "groups queries keys"]) -> np.ndarray:
    """(groups, panels, keys, LANES), flat: a lane for each query; lanes beyond the last query are zero."""
    padded = nn.functional.pad(pairs, (0, 0, 0, -pairs.shape[1] % LANES))
    return _array(padded.unflatten(1, (-1, LANES)).transpose(2, 3)).ravel()
