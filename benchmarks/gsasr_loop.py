"""Times GSASR against its published evaluation, written down as it is published, in one run.

    python benchmarks/gsasr_loop.py       # minutes; --quick for a rough answer

The published decoder attends to 144 copies of the scale for every seed; its renderer in plain torch, which is what runs without
the authors' CUDA code, draws every Gaussian on a grid of its own and shifts it to its place. Both get the same features and
weights; the encoder, which is the same, is not timed. The run stops unless both decoders give the same Gaussians (the renderers
differ on purpose: theirs blurs). Writes its section of benchmarks/README.md and benchmarks/results/gsasr_loop.json. The
contenders take turns; figures are medians of wall-clock times.
"""

import argparse
import logging
import math
import statistics
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, multi_head_attention_forward, pad

from composed_model import composed_model
from query_loop import seconds
from section import figure, write_results, write_section
from splatsr.decoders.gaussian_kernels import STEP
from splatsr.decoders.gaussian_seeds import PARAMETERS, GaussianSeeds
from splatsr.decoders.repredicted_image import RepredictedImage
from splatsr.decoders.seed_attention import ScaleAttention, SeedAttention
from splatsr.disk.markdown import markdown_table

QUICK, CASES = ((12, 4),), ((24, 4), (48, 2))
"""LR side and scale."""

AT_A_TIME = 2000
"""Gaussians that the published renderer draws at a time."""


def published_decoder(decoder: GaussianSeeds, features: Tensor, inverse_scale: Tensor) -> Tensor:
    """`GaussianSeeds` in the published order: windows of tokens, an attention to the scale, nothing left out. (n, raw=9)."""
    side, (height, width) = decoder.window, features.shape[-2:]
    rows, columns = height // side, width // side
    scale = decoder.scale_mlp(inverse_scale[:, None])
    tokens = scale[:, None].repeat(rows * columns, side**2, 1)
    x, positions = (part[None].repeat(rows * columns, 1, 1) for part in (decoder.gs_embedding, decoder.pos_embedding))

    def to_windows(grid: Tensor) -> Tensor:
        return grid.view(-1, rows, side, columns, side).permute(1, 3, 2, 4, 0).reshape(rows * columns, side**2, -1)

    def to_grid(windows: Tensor) -> Tensor:
        return windows.view(rows, columns, side, side, -1).permute(4, 0, 2, 1, 3).reshape(1, -1, height, width)

    def attended(layer: SeedAttention, queries: Tensor, context: Tensor) -> Tensor:
        q, k, v = (
            linear(x).unflatten(-1, (layer.heads, -1)).transpose(1, 2)
            for linear, x in ((layer.qhead, queries), (layer.khead, context), (layer.vhead, context))
        )
        weights = (layer.scale * q @ k.mT + layer.bias()).softmax(-1)
        return layer.proj((weights @ v).transpose(1, 2).flatten(2))

    def scaled(layer: ScaleAttention, queries: Tensor, heads: int) -> Tensor:
        q, k = queries.transpose(0, 1), tokens.transpose(0, 1)
        found, _ = multi_head_attention_forward(
            q, k, k, q.shape[-1], heads, layer.in_proj_weight, layer.in_proj_bias, None, None, False, 0.0,
            layer.out_proj.weight, layer.out_proj.bias, training=False, need_weights=False,
        )  # fmt: skip
        return found.transpose(0, 1)

    image = decoder.img_feat_proj(features)
    for block in decoder.window_crossattn_blocks:
        y = block.norm(x)
        for layer in block.blocks:
            heads = layer.window_cross_attn.heads
            y = y + scaled(layer.gs_cross_attn_scale, layer.norm1(y) + positions, heads)
            y = y + layer.mlp_crossattn_scale(layer.norm2(y))
            shifted = image.roll((-layer.shift, -layer.shift), (2, 3))
            y = y + attended(layer.window_cross_attn, layer.norm3(y) + positions, to_windows(shifted[0]))
            y = y + layer.mlp_crossattn_feature(layer.norm4(y))
        x = x + block.mlp(y)
    injected = x
    for block in decoder.gs_selfattn_blocks:
        y = block.norm(x)
        for layer in block.blocks:
            y = y + scaled(layer.gs_cross_attn_scale, layer.norm3(y) + positions, layer.gs_self_attn.heads)
            y = y + layer.mlp_crossattn(layer.norm4(y))
            z = to_windows(to_grid(layer.norm1(y)).roll((-layer.shift, -layer.shift), (2, 3))[0])
            z = to_windows(to_grid(attended(layer.gs_self_attn, z, z)).roll((layer.shift, layer.shift), (2, 3))[0])
            y = y + z
            y = y + layer.mlp_selfattn(layer.norm2(y))
        x = x + block.mlp(y)
    fine = decoder.UPNet(to_grid(x + injected)).flatten(2).mT
    *raw, offsets = (decoder.get_submodule(f"mlp_block_{name}")(fine) for name in PARAMETERS)
    y, x = (torch.arange(4 * length) + 0.5 for length in (height, width))
    centres = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).flatten(0, 1)
    return torch.cat([*raw, (offsets + centres) / torch.tensor([4 * width, 4 * height])], -1)


def published_renderer(raw: Tensor, size: tuple[int, int], scale: float) -> Tensor:
    """The published renderer in plain torch: (1, 3, H, W) of raw Gaussians (n, 9)."""
    image = torch.zeros(1, 3, *size)
    points = int(20 / (STEP / scale))
    axis = torch.arange(points) - (points - 1) / 2
    for some in raw.split(AT_A_TIME):
        tall, wide = (scale / STEP * (0.99999 * some[:, i].sigmoid() + 1e-6) for i in (0, 1))
        tall, wide, rho = tall[:, None, None], wide[:, None, None], (0.999999 * some[:, 2].tanh())[:, None, None]
        x, y = axis / wide, axis[:, None] / tall
        determinant = 1 - rho.square()
        density = torch.exp(-(x.square() - 2 * rho * x * y + y.square()) / (2 * determinant))
        density = density / (2 * math.pi * wide * tall * determinant.sqrt())
        kernels = density / (density.amax((1, 2), keepdim=True) + 1e-4)
        colors = some[:, 3:4].sigmoid() * some[:, 4:7].sigmoid()
        room = [side - points for side in size]
        margins = [room[1] // 2, room[1] - room[1] // 2, room[0] // 2, room[0] - room[0] // 2]
        drawn = pad(kernels[:, None] * colors[..., None, None], margins)
        theta = torch.eye(2, 3).repeat(len(some), 1, 1)
        theta[:, :, 2] = 1 - 2 * some[:, 7:]
        if any(side % 2 for side in room):  # the grid's middle is not the image's
            theta[:, :, 2] += torch.tensor([(room[1] % 2) / -size[1], (room[0] % 2) / -size[0]])
        image += grid_sample(drawn, affine_grid(theta, list(drawn.shape), align_corners=False), align_corners=False).sum(0)
    return image


def measure(side: int, scale: int, repetitions: int) -> dict:
    """One row of the table."""
    torch.manual_seed(0)
    model = composed_model("model=gsasr").eval()
    decoder, window = model.decoder, model.window
    features, size, inverse = torch.randn(1, 64, side, side), (side * scale, side * scale), torch.tensor([1 / scale])

    def image() -> RepredictedImage:
        return RepredictedImage(features, (side, side), decoder, window, torch.float32)

    raw = image().gaussians(scale)
    difference = float((raw - published_decoder(decoder, features, inverse)).abs().max())
    if not difference < 1e-3:
        raise SystemExit(f"the decoders differ by {difference:.1e}; expected below 1e-3.")
    known = image()
    known.render(size=size)  # whose Gaussians it keeps
    works: dict[str, Callable[[], object]] = {
        "ours_ms": lambda: image().render(size=size),
        "published_ms": lambda: published_renderer(published_decoder(decoder, features, inverse)[0], size, scale),
        "our_decoder_ms": lambda: image().gaussians(scale),
        "published_decoder_ms": lambda: published_decoder(decoder, features, inverse),
        "our_renderer_ms": lambda: known.render(size=size),
        "published_renderer_ms": lambda: published_renderer(raw[0], size, scale),
    }
    for work in works.values():
        work()  # untimed
    turns = [{name: seconds(work) for name, work in works.items()} for _ in range(repetitions)]
    row = {name: 1e3 * statistics.median(turn[name] for turn in turns) for name in works}
    row["ours_over_published"] = row["ours_ms"] / row["published_ms"]
    row["decoder_ratio"] = row["our_decoder_ms"] / row["published_decoder_ms"]
    row["renderer_ratio"] = row["our_renderer_ms"] / row["published_renderer_ms"]
    return {"case": f"{side} x {side}, x{scale}", **row, "largest_difference": difference}


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description="Times GSASR against its published evaluation.")
    parser.add_argument("--quick", action="store_true", help="one small case and few repetitions: a rough answer")
    quick = parser.parse_args().quick
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    repetitions = 1 if quick else 3
    rows = [measure(side, scale, repetitions) for side, scale in (QUICK if quick else CASES)]
    for row in rows:
        logging.info("%s", {name: value if isinstance(value, str) else f"{value:.3g}" for name, value in row.items()})
    if quick:
        return
    made = write_results("gsasr_loop", "python benchmarks/gsasr_loop.py", repetitions=repetitions, rows=rows)
    parts = {"decoder and renderer": ("ours_ms", "published_ms"), "decoder": ("our_decoder_ms", "published_decoder_ms"),
             "renderer": ("our_renderer_ms", "published_renderer_ms")}  # fmt: skip
    cells = [
        [row["case"], part, figure(row[ours]), figure(row[theirs]), figure(row[ours] / row[theirs])]
        for row in rows
        for part, (ours, theirs) in parts.items()
    ]
    headings = ["GSASR", "part", "ours", "published", "ours / published"]
    text = f"{made}; medians of {repetitions} repetitions, milliseconds."
    write_section("gsasr_loop", f"{text}\n\n{markdown_table(headings, cells, text_columns=2)}")


if __name__ == "__main__":
    main()
