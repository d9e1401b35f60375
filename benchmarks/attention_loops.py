"""Times SRNO's and CiaoSR's decoders against their published evaluations, written down as they are published, in one run.

    python benchmarks/attention_loops.py      # minutes; --quick for a rough answer

SRNO decodes an output in one piece, all queries on a grid of the output's size; CiaoSR decodes 30,000 queries at a time, and
for every such chunk unfolds the features and attends to similar places anew. Both get the same features and weights as ours;
the encoders, which are the same, are not timed. The run stops unless the values agree. Writes its section of
benchmarks/README.md and benchmarks/results/attention_loops.json. The contenders take turns; figures are medians of wall-clock
times.
"""

import argparse
import logging
import statistics
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d, gelu, grid_sample, interpolate, pad, softmax, unfold

from composed_model import composed_model
from query_loop import QUERIES_AT_A_TIME, Features, seconds
from section import figure, write_results, write_section
from splatsr.decoders.cross_scale_attention import CrossScaleAttention
from splatsr.decoders.galerkin_attention import GalerkinAttention
from splatsr.disk.markdown import markdown_table
from splatsr.models.ciaosr import CiaoSR
from splatsr.models.srno import SRNO

QUICK = (("srno", 24, 4), ("ciaosr", 24, 4))
CASES = (("srno", 24, 4), ("srno", 48, 4), ("ciaosr", 24, 4), ("ciaosr", 48, 4))
"""Method, LR side, scale."""


def grid(height: int, width: int) -> Tensor:
    """(H, W, vertical and horizontal) of pixels' centres in [-1, 1]."""
    axes = [(2 * torch.arange(side) + 1) / side - 1 for side in (height, width)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)


def sampled(values: Tensor, coordinates: Tensor, mode: str) -> Tensor:
    """Of (B, c, h, w) at (B, H, W, yx)."""
    padding = "border" if mode == "bilinear" else "zeros"
    return grid_sample(values, coordinates.flip(-1), mode=mode, padding_mode=padding, align_corners=False)


def published_srno(model: SRNO, lr: Tensor, features: Tensor, size: tuple[int, int]) -> Tensor:
    """RGB (B, 3, H, W) in [0, 1], unclamped."""
    batch, _, h, w = features.shape
    network = model.operator
    coordinates = grid(*size).expand(batch, -1, -1, -1)
    centres = grid(h, w).permute(2, 0, 1)[None].expand(batch, -1, -1, -1)
    ways, near, areas = [], [], []
    for vertical in (-1, 1):
        for horizontal in (-1, 1):
            moved = coordinates + torch.tensor([vertical / h, horizontal / w]) + 1e-6
            moved = moved.clamp(-1 + 1e-6, 1 - 1e-6)
            near.append(sampled(features, moved, "nearest"))
            way = coordinates.permute(0, 3, 1, 2) - sampled(centres, moved, "nearest")
            ways.append(way * torch.tensor([h, w])[:, None, None])
            areas.append((ways[-1][:, 0] * ways[-1][:, 1]).abs() + 1e-9)
    total = torch.stack(areas).sum(0)
    weighted = [one * (area / total)[:, None] for one, area in zip(near, areas[::-1], strict=True)]
    clip = max(size[0] / h / network.largest_scale, 1)
    cell = torch.tensor([2 / size[0] * h * clip, 2 / size[1] * w * clip]).view(1, 2, 1, 1).expand(batch, -1, *size)
    x = network.conv00(torch.cat([*ways, *weighted, cell], 1))
    for attention in (network.conv0, network.conv1):
        x = published_attention(attention, x)
    return (network.fc2(gelu(network.fc1(x))) + sampled(2 * lr - 1, coordinates, "bilinear")) / 2 + 0.5


def published_attention(layer: GalerkinAttention, x: Tensor) -> Tensor:
    """Over a grid (B, c, H, W)."""
    batch, channels, height, width = x.shape
    qkv = layer.qkv_proj(x).permute(0, 2, 3, 1).reshape(batch, height * width, layer.heads, -1).permute(0, 2, 1, 3)
    q, k, v = qkv.chunk(3, dim=-1)
    k, v = published_norm(layer.kln, k), published_norm(layer.vln, v)
    found = q @ (k.transpose(-2, -1) @ v / (height * width))
    result = found.permute(0, 2, 1, 3).reshape(batch, height, width, channels).permute(0, 3, 1, 2) + x
    return layer.o_proj2(gelu(layer.o_proj1(result))) + x


def published_norm(norm: nn.Module, x: Tensor) -> Tensor:
    """Over the channels of every head."""
    return norm.weight * ((x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5)) + norm.bias


def published_ciaosr(model: CiaoSR, lr: Tensor, features: Tensor, size: tuple[int, int]) -> Tensor:
    """RGB (B, 3, H, W) in [0, 1], unclamped."""
    batch, _, h, w = features.shape
    queries = grid(*size).view(1, -1, 2).expand(batch, -1, -1)
    cell = torch.tensor([2 / size[0], 2 / size[1]])
    colors = [published_chunk(model, lr, features, chunk, cell) for chunk in queries.split(QUERIES_AT_A_TIME, 1)]
    return torch.cat(colors, 1).transpose(1, 2).reshape(batch, 3, *size)


def published_chunk(model: CiaoSR, lr: Tensor, features: Tensor, queries: Tensor, cell: Tensor) -> Tensor:
    """RGB (B, Q, 3)."""
    batch, _, h, w = features.shape
    unfolded = unfold(features, 3, padding=1).view(batch, -1, h, w)
    values_at = torch.cat([unfolded, published_non_local(model.cs_attn, features)], 1)
    centres = grid(h, w).permute(2, 0, 1)[None].expand(batch, -1, -1, -1)

    def nearest(maps: Tensor, points: Tensor) -> Tensor:
        return sampled(maps, points[:, None], "nearest")[:, :, 0].transpose(1, 2)

    asked, in_cells = nearest(unfolded, queries), (cell * torch.tensor([h, w])).expand_as(queries)
    steps, keys, values = [(1 - one) / (side - 1) for one, side in zip(cell.tolist(), (h, w), strict=True)], [], []
    for vertical in (-1, 1):
        for horizontal in (-1, 1):
            moved = queries + torch.tensor([vertical * steps[0], horizontal * steps[1]]) + 1e-6
            moved = moved.clamp(-1 + 1e-6, 1 - 1e-6)
            key, value = nearest(unfolded, moved), nearest(values_at, moved)
            way = (queries - nearest(centres, moved)) * torch.tensor([h, w])
            keys.append(key * model.imnet_k(torch.cat([key, way, in_cells], -1)))
            values.append(value * model.imnet_v(torch.cat([value, way, in_cells], -1)))
    attention = softmax((asked[:, :, None] @ torch.stack(keys, -1)), -1)
    found = (attention @ torch.stack(values, -2))[:, :, 0]
    skip = sampled(lr, queries[:, None], "bilinear")[:, :, 0].transpose(1, 2)
    return model.imnet_q(found) + skip


def published_non_local(module: CrossScaleAttention, features: Tensor) -> Tensor:
    """Similar places at twice the size; sides are even."""
    assembly, sought = module.conv_assembly(features), module.conv_match_1(features)
    places = module.conv_match_2(interpolate(features, scale_factor=0.5, mode="bilinear", align_corners=False))
    results = []
    for one, look, small in zip(assembly, sought, places, strict=True):
        channels = len(one)
        raw = unfold(pad(one[None], (2, 2, 2, 2)), 6, stride=2)[0].T.view(-1, channels, 6, 6)
        patches = unfold(pad(small[None], (1, 1, 1, 1)), 3)[0].T.view(-1, len(small), 3, 3)
        patches = patches / patches.square().sum((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-4)
        score = torch.conv2d(pad(look[None], (1, 1, 1, 1)), patches)
        results.append(conv_transpose2d(softmax(10 * score, 1), raw, stride=2, padding=2)[0])
    return module.down(torch.stack(results)) / 6


def measure(method: str, side: int, scale: int, repetitions: int) -> dict:
    """One row of the table."""
    torch.manual_seed(0)
    model = composed_model(f"model={method}").eval()
    model.encoder = Features(1, side, side)
    lr, size = torch.rand(1, 3, side, side), (side * scale, side * scale)
    features = model.encoder(lr)
    published = published_srno if method == "srno" else published_ciaosr
    difference = float((model(lr).render(size=size) - published(model, lr, features, size)).abs().max())
    if not difference < 1e-4:
        raise SystemExit(f"{method}: the values differ by {difference:.1e}; expected below 1e-4.")
    works: dict[str, Callable[[], object]] = {
        "ours_ms": lambda: model(lr).render(size=size),
        "published_ms": lambda: published(model, lr, features, size),
    }
    turns = [{name: seconds(work) for name, work in works.items()} for _ in range(repetitions)]
    row = {name: 1e3 * statistics.median(turn[name] for turn in turns) for name in works}
    return {"method": method, "case": f"{side} x {side}, x{scale}", **row, "largest_difference": difference}


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description="Times SRNO and CiaoSR against their published evaluations.")
    parser.add_argument("--quick", action="store_true", help="small cases and few repetitions: a rough answer")
    quick = parser.parse_args().quick
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    repetitions = 3 if quick else 5
    rows = [measure(*case, repetitions) for case in (QUICK if quick else CASES)]
    for row in rows:
        logging.info("%s %s: %.3g of %.3g ms", row["method"], row["case"], row["ours_ms"], row["published_ms"])
    if quick:
        return
    made = write_results("attention_loops", "python benchmarks/attention_loops.py", repetitions=repetitions, rows=rows)
    cells = [
        [
            row["method"],
            row["case"],
            figure(row["ours_ms"]),
            figure(row["published_ms"]),
            figure(row["ours_ms"] / row["published_ms"]),
        ]
        for row in rows
    ]
    headings = ["method", "LR, scale", "ours", "published", "ours / published"]
    text = f"{made}; medians of {repetitions} repetitions, milliseconds."
    write_section("attention_loops", f"{text}\n\n{markdown_table(headings, cells, text_columns=2)}")


if __name__ == "__main__":
    main()
