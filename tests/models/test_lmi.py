from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import gelu, grid_sample, linear

from golden import read_golden
from published_family import assert_is_its_definition, image_and_golden, load_published
from splatsr.encoders.edsr import EDSR
from splatsr.geometry import pixel_centres
from splatsr.models.lmi import LMI


def small() -> LMI:
    encoder = EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0)
    return LMI(encoder=encoder, meta_hidden=7, token_hidden=9, channel_hidden=11).eval()


def by_definition(model: LMI, lr: Tensor, coordinates: Tensor, cell: Tensor) -> Tensor:
    """The specification, one token and one channel after the other."""
    x = 2 * lr - 1
    features = model.encoder(x)
    b, channels, h, w = features.shape
    sides = features.new_tensor([h, w])
    centres = pixel_centres(torch.cartesian_prod(torch.arange(h), torch.arange(w)), (h, w)).to(features)
    centres = centres.T.view(1, 2, h, w).expand(b, -1, -1, -1)
    found, colors, ways = [], [], []
    for vy in (-3, -1, 1, 3):
        for vx in (-3, -1, 1, 3):
            moved = coordinates + coordinates.new_tensor([vy / h, vx / w]) + 1e-6
            points = moved.clamp(-1 + 1e-6, 1 - 1e-6).flip(-1)[:, None]
            f, c, p = (
                grid_sample(grid, points, mode="nearest", align_corners=False)[:, :, 0].mT for grid in (features, x, centres)
            )
            found.append(f)
            colors.append(c)
            ways.append((coordinates - p) * sides)
    s = (cell[:, :1] * h)[:, None].expand(-1, coordinates.shape[1], 1)
    made = model.metanet(torch.cat([*ways, s], -1))

    def both(perceptron: torch.nn.Sequential, values: Tensor) -> Tensor:
        return gelu(linear(gelu(linear(values, *perceptron[0].parameters())), *perceptron[2].parameters()))

    tokens = torch.stack(found, -1)  # (b, q, channels, tokens)
    mixed = [
        tokens[:, :, d] + both(model.token_mix, torch.cat([tokens[:, :, d], made[..., 16 * d : 16 * d + 16]], -1))
        for d in range(channels)
    ]
    areas = [(way[..., 0] * way[..., 1]).abs() + 1e-9 for way in ways]
    answer = 0
    for k in range(16):
        y = torch.stack([one[..., k] for one in mixed], -1)
        z = y + both(model.channel_mix, torch.cat([y, colors[k], ways[k], s], -1))
        answer = answer + model.out(tokens[..., k] + z) * (areas[15 - k] / sum(areas))[..., None]
    return 0.5 + 0.5 * answer


@torch.inference_mode()
def test_a_published_file_gives_the_published_image(tmp_path: Path) -> None:
    model = load_published("lmi", "lmi", tmp_path)
    image, golden = image_and_golden(model, "lmi")
    torch.testing.assert_close(image, golden, atol=1e-4, rtol=1e-5)
    features = model.encoder(read_golden("lmi")[0]["input"])
    torch.testing.assert_close(features[:, :4], read_golden("lmi")[0]["feat_head"], atol=1e-4, rtol=0)


def test_it_is_its_definition() -> None:
    assert_is_its_definition(small().double(), by_definition)


@torch.inference_mode()
def test_of_the_cell_the_vertical_size_alone_counts_as_published() -> None:
    image, points = small()(torch.rand(1, 3, 5, 7)), torch.rand(1, 9, 2) * 2 - 1
    one, wider, higher = (image.query(points, torch.tensor([cell])) for cell in ([0.1, 0.1], [0.1, 0.3], [0.3, 0.1]))
    assert torch.equal(one, wider)
    assert not torch.allclose(one, higher, atol=1e-4)
