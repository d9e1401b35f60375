"""The yardstick: SwinIR as its published code goes about it, on the layers, and so with the weights, of ours.

Tokens (B, pixels, C) between the blocks; in a block roll, cut into windows, qkv, scaled q k^T, bias looked up by index, mask,
softmax, times v, projection, and back. The mask is kept for images of 64 x 64 and computed anew for others, as published.
"""

import torch
from torch import Tensor, nn

from splatsr.encoders.swinir import SwinBlock, SwinIR
from splatsr.encoders.window_attention import WindowAttention

KEPT = (64, 64)
"""The size whose masks are kept: the published `img_size`."""


class PlainAttention:
    """Attention in windows (windows, pixels, C), by matrix products and a softmax."""

    def __init__(self, layer: WindowAttention) -> None:
        self.layer = layer
        side = torch.arange(layer.window)
        y, x = side.repeat_interleave(layer.window), side.repeat(layer.window)
        largest_offset = layer.window - 1
        self.index = ((y[:, None] - y + largest_offset) * (2 * largest_offset + 1) + x[:, None] - x + largest_offset).flatten()

    def __call__(self, windows: Tensor, mask: Tensor | None) -> Tensor:
        count, pixels, channels = windows.shape
        heads = self.layer.heads
        q, k, v = self.layer.qkv(windows).view(count, pixels, 3, heads, -1).permute(2, 0, 3, 1, 4)
        logits = (q * (channels // heads) ** -0.5) @ k.transpose(-2, -1)
        bias = self.layer.relative_position_bias_table[self.index].view(pixels, pixels, heads).permute(2, 0, 1).contiguous()
        logits = logits + bias
        if mask is not None:
            logits = (logits.view(-1, len(mask), heads, pixels, pixels) + mask[:, None]).view(logits.shape)
        seen = (logits.softmax(-1) @ v).transpose(1, 2).reshape(count, pixels, channels)
        return self.layer.proj(seen)


class PlainBlock:
    """One transformer layer on tokens."""

    def __init__(self, block: SwinBlock) -> None:
        self.block, self.attention = block, PlainAttention(block.attn)
        self.window, self.shift = block.attn.window, block.attn.shift
        self.mask = shift_mask(KEPT, self.window, self.shift) if self.shift else None

    def __call__(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        grid = self.block.norm1(tokens).unflatten(1, size)
        if self.shift:
            grid = grid.roll((-self.shift, -self.shift), (1, 2))
        kept = not self.shift or size == KEPT
        mask = self.mask if kept else shift_mask(size, self.window, self.shift)
        grid = join(self.attention(cut(grid, self.window), mask), size, self.window)
        if self.shift:
            grid = grid.roll((self.shift, self.shift), (1, 2))
        tokens = tokens + self.block.drop_path(grid.flatten(1, 2))
        return tokens + self.block.drop_path(self.block.mlp(self.block.norm2(tokens)))


class PlainSwinIR:
    """The whole network around them."""

    def __init__(self, encoder: SwinIR) -> None:
        self.encoder = encoder
        self.groups = [
            ([PlainBlock(block) for block in group.residual_group["blocks"]], group.conv) for group in encoder.layers
        ]

    def __call__(self, lr: Tensor) -> Tensor:
        encoder, (height, width) = self.encoder, lr.shape[-2:]
        padded = nn.functional.pad(lr, (0, -width % encoder.size_multiple, 0, -height % encoder.size_multiple), mode="reflect")
        size = padded.shape[-2], padded.shape[-1]
        shallow = encoder.conv_first(padded)
        tokens = encoder.patch_embed["norm"](to_tokens(shallow))
        for blocks, conv in self.groups:
            shortcut = tokens
            for block in blocks:
                tokens = block(tokens, size)
            tokens = shortcut + to_tokens(conv(to_image(tokens, size)))
        body = shallow + encoder.conv_after_body(to_image(encoder.norm(tokens), size))
        features = encoder.upsample(encoder.conv_before_upsample(body))
        return features[..., : height * encoder.upscale, : width * encoder.upscale]


def to_tokens(image: Tensor) -> Tensor:
    return image.flatten(2).transpose(1, 2)


def to_image(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    return tokens.transpose(1, 2).unflatten(2, size)


def cut(grid: Tensor, window: int) -> Tensor:
    """(B, H, W, C) to (windows, pixels, C)."""
    batch, height, width, channels = grid.shape
    squares = grid.view(batch, height // window, window, width // window, window, channels).permute(0, 1, 3, 2, 4, 5)
    return squares.contiguous().view(-1, window**2, channels)


def join(windows: Tensor, size: tuple[int, int], window: int) -> Tensor:
    """The inverse of `cut`."""
    height, width = size
    squares = windows.view(-1, height // window, width // window, window, window, windows.shape[-1])
    return squares.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, height, width, windows.shape[-1])


def shift_mask(size: tuple[int, int], window: int, shift: int) -> Tensor:
    """(windows, pixels, pixels): -100 between pixels that only the roll brought together."""
    region = torch.zeros(1, *size, 1)
    bands = slice(0, -window), slice(-window, -shift), slice(-shift, None)
    for part, (rows, columns) in enumerate((rows, columns) for rows in bands for columns in bands):
        region[:, rows, columns] = part
    regions = cut(region, window).squeeze(-1)
    return torch.where(regions[:, None] != regions[:, :, None], -100.0, 0.0)
