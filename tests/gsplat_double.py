"""gsplat 1.5.3's three functions without CUDA, written from its IntersectTile.cu and RasterizeToIndices3DGS.cu.

The same arguments, checks, results and arithmetic in float32; tile after tile and kernel after kernel, so for small images.
Module-like: its functions have gsplat's names.
"""

import math

import torch
from torch import Tensor

ALPHA_THRESHOLD = torch.tensor(1.0) / 255


def isect_tiles(
    means2d: Tensor, radii: Tensor, depths: Tensor, tile_size: int, tile_width: int, tile_height: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Per kernel its number of tiles; per pair of a kernel and a tile, sorted: its key, and the kernel's flat index."""
    images, n = means2d.shape[0], means2d.shape[-2]
    assert means2d.shape == (images, n, 2)
    assert radii.shape == (images, n, 2)
    assert depths.shape == (images, n)
    assert means2d.dtype == depths.dtype == torch.float32
    assert radii.dtype == torch.int32
    tile_bits = math.floor(math.log2(tile_width * tile_height)) + 1
    image_bits = math.floor(math.log2(images)) + 1
    assert image_bits + tile_bits <= 32
    depth_keys = depths.flatten().view(torch.int32).long() & 0xFFFFFFFF
    counts, keys, members = torch.zeros(images * n, dtype=torch.int32), [], []
    flat_radii, flat_means = radii.view(-1, 2).float(), means2d.reshape(-1, 2)
    limits = torch.tensor([tile_width, tile_height])
    low = (flat_means / tile_size - flat_radii / tile_size).floor().clamp(0, 2**32 - 1).long().minimum(limits)
    high = (flat_means / tile_size + flat_radii / tile_size).ceil().clamp(0, 2**32 - 1).long().minimum(limits)
    for index in range(images * n):
        if bool((flat_radii[index] <= 0).any()):
            continue
        (left, top), (right, bottom) = low[index].tolist(), high[index].tolist()
        counts[index] = (bottom - top) * (right - left)
        for row in range(top, bottom):
            for column in range(left, right):
                tile = row * tile_width + column
                keys.append((index // n) << (32 + tile_bits) | tile << 32 | int(depth_keys[index]))
                members.append(index)
    order = sorted(range(len(keys)), key=keys.__getitem__)  # stable, as the radix sort
    sorted_keys = torch.tensor([keys[place] for place in order], dtype=torch.int64)
    return counts.view(images, n), sorted_keys, torch.tensor([members[place] for place in order], dtype=torch.int32)


def isect_offset_encode(isect_ids: Tensor, n_images: int, tile_width: int, tile_height: int) -> Tensor:
    """(n_images, tile_height, tile_width): where each tile's run of the sorted pairs starts."""
    tiles = tile_width * tile_height
    tile_bits = math.floor(math.log2(tiles)) + 1
    upper = isect_ids >> 32
    runs = (upper >> tile_bits) * tiles + (upper & ((1 << tile_bits) - 1))
    return torch.searchsorted(runs, torch.arange(n_images * tiles)).to(torch.int32).view(n_images, tile_height, tile_width)


def rasterize_to_indices_in_range(
    range_start: int,
    range_end: int,
    transmittances: Tensor,
    means2d: Tensor,
    conics: Tensor,
    opacities: Tensor,
    image_width: int,
    image_height: int,
    tile_size: int,
    isect_offsets: Tensor,
    flatten_ids: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """(kernel, pixel, image) of every pair that survives, pixel after pixel."""
    images, n = means2d.shape[0], means2d.shape[-2]
    assert transmittances.shape == (images, image_height, image_width)
    assert means2d.shape == (images, n, 2)
    assert conics.shape == (images, n, 3)
    assert opacities.shape == (images, n)
    for part in (transmittances, means2d, conics, opacities):
        assert part.dtype == torch.float32
    assert isect_offsets.dtype == flatten_ids.dtype == torch.int32
    _, tile_height, tile_width = isect_offsets.shape
    assert isect_offsets.shape == (images, tile_height, tile_width)
    assert tile_height * tile_size >= image_height
    assert tile_width * tile_size >= image_width
    assert 0 <= range_start < 2**32
    assert 0 <= range_end < 2**32
    starts, block = [*isect_offsets.flatten().tolist(), len(flatten_ids)], tile_size * tile_size
    flat_means, flat_conics, flat_opacities = means2d.reshape(-1, 2), conics.reshape(-1, 3), opacities.reshape(-1)
    found = []
    for tile in range(images * tile_height * tile_width):
        image, inner = divmod(tile, tile_height * tile_width)
        top, left = inner // tile_width * tile_size, inner % tile_width * tile_size
        rows = torch.arange(top, min(top + tile_size, image_height))[:, None]
        columns = torch.arange(left, min(left + tile_size, image_width))
        x, y = columns.float() + 0.5, rows.float() + 0.5
        transmittance = transmittances[image][rows, columns].clone()
        done = torch.zeros_like(transmittance, dtype=torch.bool)
        first, end = (min(starts[tile] + block * batch, starts[tile + 1]) for batch in (range_start, range_end))
        for position in range(first, end):
            kernel = int(flatten_ids[position])
            a, b, c = flat_conics[kernel]
            dx, dy = flat_means[kernel, 0] - x, flat_means[kernel, 1] - y
            sigma = 0.5 * (a * dx * dx + c * dy * dy) + b * dx * dy
            alpha = torch.fmin(torch.tensor(0.999), flat_opacities[kernel] * torch.exp(-sigma))  # NaN: 0.999
            counts = ~((sigma < 0) | (alpha < ALPHA_THRESHOLD)) & ~done
            left_over = transmittance * (1 - alpha)
            done |= counts & (left_over <= 1e-4)
            counts &= ~done
            transmittance = torch.where(counts, left_over, transmittance)
            pixels = (rows * image_width + columns)[counts]
            found.append(torch.stack([torch.full_like(pixels, kernel % n), pixels, torch.full_like(pixels, image)]))
    pairs = torch.cat([torch.zeros(3, 0, dtype=torch.int64), *found], 1)
    kernels, pixels, numbers = pairs[:, (pairs[2] * image_height * image_width + pairs[1]).argsort(stable=True)]
    return kernels, pixels, numbers
