from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample, linear, unfold

from golden import read_golden
from published_family import assert_is_its_definition, image_and_golden, load_published
from splatsr.encoders.edsr import EDSR
from splatsr.geometry import Strip, pixel_centres, resolve_output
from splatsr.models.lmliif import LMLIIF


def small(tables: list | None = None) -> LMLIIF:
    encoder = EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0)
    return LMLIIF(encoder=encoder, width=5, depth=3, latent_hidden=[20], largest_scale=float("inf"), tables=tables or []).eval()


def by_definition(model: LMLIIF, lr: Tensor, coordinates: Tensor, cell: Tensor) -> Tensor:
    """The specification, one corner and one layer after the other."""
    features = model.encoder(2 * lr - 1)
    b, _, h, w = features.shape
    sides = features.new_tensor([h, w])
    told = (cell * sides)[:, :, None, None].expand(-1, -1, h, w)
    inputs = torch.cat([unfold(features, 3, padding=1).view(b, -1, h, w), told], 1)
    m = model.hypernet(inputs.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    centres = pixel_centres(torch.cartesian_prod(torch.arange(h), torch.arange(w)), (h, w)).to(features)
    centres = centres.T.view(1, 2, h, w).expand(b, -1, -1, -1)
    layers = [layer for layer in model.imnet if isinstance(layer, nn.Linear)]
    depth, width = len(layers) - 1, layers[0].out_features
    answers, areas = [], []
    for corner in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        moved = (coordinates + coordinates.new_tensor(corner) / sides + 1e-6).clamp(-1 + 1e-6, 1 - 1e-6)
        points = moved.flip(-1)[:, None]
        found, p = (grid_sample(grid, points, mode="nearest", align_corners=False)[:, :, 0].mT for grid in (m, centres))
        way = (coordinates - p) * sides
        y = torch.cat([found[..., 2 * depth * width :], way, (cell * sides)[:, None].expand_as(way)], -1)
        for index in range(depth):
            scale = found[..., index * width : (index + 1) * width]
            shift = found[..., (depth + index) * width : (depth + index + 1) * width]
            y = (linear(y, layers[index].weight, layers[index].bias) * (1 + scale) + shift).relu()
        answers.append(linear(y, layers[-1].weight, layers[-1].bias))
        areas.append((way.prod(-1).abs() + 1e-9)[..., None])
    return 0.5 + 0.5 * sum(answer * areas[3 - k] / sum(areas) for k, answer in enumerate(answers))


@torch.inference_mode()
def test_a_published_file_gives_the_published_images(tmp_path: Path) -> None:
    model, (tensors, metadata) = load_published("lm-liif", "lmliif", tmp_path), read_golden("lm-liif")
    image, golden = image_and_golden(model, "lm-liif")
    torch.testing.assert_close(image, golden, atol=1e-4, rtol=0)
    lr = tensors["input"] / 2 + 0.5
    big = 2 * model(lr).render(size=metadata["hr_size_big"]) - 1
    torch.testing.assert_close(big, tensors["output_big"], atol=1e-4, rtol=0)
    model.tables = [
        [[float(scale), threshold] for scale, threshold in table.items()] for table in metadata["cmsr_table"].values()
    ]
    by_levels = 2 * model(lr).render(size=metadata["hr_size_big"]) - 1
    torch.testing.assert_close(by_levels, tensors["output_cmsr"], atol=1e-4, rtol=0)
    assert not torch.allclose(by_levels, big, atol=1e-3)


def test_it_is_its_definition() -> None:
    assert_is_its_definition(small().double(), by_definition)


TABLES = [[[1, 0.1], [2, 0.15], [4, 0.2], [6, 1]], [[1, 0.1], [4, 1], [8, 1]]]


@pytest.mark.parametrize("size", [(26, 35), (40, 56), (50, 63), (15, 14)])
@torch.inference_mode()
def test_levels_render_in_strips_and_batches_too(size: tuple[int, int]) -> None:
    model, lr, output = small(TABLES), torch.rand(2, 3, 5, 7), resolve_output((5, 7), size=size)
    image = model(lr)
    strength = image.strengths(torch.tensor([[2 / size[0], 2 / size[1]]] * 2)).rows
    for table in model.tables:
        for threshold, share in zip(table, (0.3, 0.6, 0.8), strict=False):
            threshold[1] = strength.quantile(share).item() if threshold[1] < 1 else 1
    whole = image.render(size=size)
    assert whole.shape == (2, 3, *size)
    strips = [image.render_strip(Strip(output, (5, 7), rows, origin=0)) for rows in ((0, 4), (4, size[0]))]
    torch.testing.assert_close(torch.cat(strips, 2), whole, atol=1e-5, rtol=0)
    torch.testing.assert_close(model(lr[1:]).render(size=size), whole[1:], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_up_to_x4_levels_change_nothing_and_a_level_for_all_is_plain_rendering_inside() -> None:
    model, lr = small(), torch.rand(1, 3, 5, 7)
    plain = model(lr)
    model.tables = TABLES
    torch.testing.assert_close(model(lr).render(size=(15, 21)), plain.render(size=(15, 21)))
    model.tables = [[[1, 0.0], [6, 1]]]  # no strength is 0: all is decoded at the output's size
    six = model(lr).render(scale=6)
    torch.testing.assert_close(six[..., 3:-3, 3:-3], plain.render(scale=6)[..., 3:-3, 3:-3])


def test_a_modulation_is_made_once_for_an_output_size() -> None:
    model, calls = small(), []
    model.hypernet[-1].register_forward_hook(lambda *_: calls.append(1))
    image = model(torch.rand(1, 3, 5, 7))
    for scale in (2, 2, 3, 3):
        image.render(scale=scale)
    assert len(calls) == 2
