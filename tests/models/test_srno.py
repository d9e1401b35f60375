from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import gelu, grid_sample

from published_family import assert_is_its_definition, image_and_golden, load_published
from splatsr.decoders.galerkin_attention import GalerkinAttention
from splatsr.encoders.edsr import EDSR
from splatsr.models.srno import SRNO


def small(largest_scale: float = 4) -> SRNO:
    encoder = EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0)
    model = SRNO(encoder=encoder, width=12, heads=3, largest_scale=largest_scale).eval()
    for name, parameter in model.named_parameters():
        if "ln." in name:
            torch.nn.init.normal_(parameter, mean=1)  # or their order would not show
    return model


def by_definition(model: SRNO, lr: Tensor, coordinates: Tensor, cell: Tensor) -> Tensor:
    """The specification, point by point where it says so and over all points where it says so."""
    (height, width), x = lr.shape[-2:], 2 * lr - 1
    features = model.encoder(x)
    ways, found, areas = [], [], []
    for vy in (-1, 1):
        for vx in (-1, 1):
            moved = coordinates + torch.tensor([vy / height, vx / width]) + 1e-6
            moved = moved.clamp(-1 + 1e-6, 1 - 1e-6)
            rows, columns = ((moved[..., axis] + 1) / 2 * side for axis, side in ((0, height), (1, width)))
            rows, columns = rows.long(), columns.long()
            centres = torch.stack([(2 * rows + 1) / height - 1, (2 * columns + 1) / width - 1], -1)
            way = (coordinates - centres) * torch.tensor([height, width])
            ways.append(way)
            areas.append((way[..., 0] * way[..., 1]).abs() + 1e-9)
            found.append(torch.stack([features[k][:, rows[k], columns[k]].T for k in range(len(lr))]))
    total = sum(areas)
    found = [one * (area / total)[..., None] for one, area in zip(found, reversed(areas), strict=True)]
    in_lr = torch.maximum(cell * torch.tensor([height, width]), torch.tensor(2 / model.operator.largest_scale))
    inputs = torch.cat([*ways, *found, in_lr[:, None].expand_as(coordinates)], -1)

    def conv(layer: torch.nn.Conv2d, values: Tensor) -> Tensor:
        return layer(values.transpose(1, 2)[..., None])[..., 0].transpose(1, 2)

    def norm(values: Tensor, layer: torch.nn.Module) -> Tensor:  # (b, heads, q, width)
        spread = (values - values.mean(-1, keepdim=True)) / (values.std(-1, keepdim=True) + 1e-5)
        return spread * layer.weight + layer.bias

    values = conv(model.operator.conv00, inputs)
    for layer in (model.operator.conv0, model.operator.conv1):
        heads = conv(layer.qkv_proj, values).unflatten(-1, (layer.heads, -1)).transpose(1, 2)
        q, k, v = heads.chunk(3, -1)
        attended = q @ (norm(k, layer.kln).transpose(-2, -1) @ norm(v, layer.vln)) / coordinates.shape[1]
        attended = attended.transpose(1, 2).flatten(2) + values
        values = values + conv(layer.o_proj2, gelu(conv(layer.o_proj1, attended)))
    rgb = conv(model.operator.fc2, gelu(conv(model.operator.fc1, values)))
    skip = grid_sample(x, coordinates.flip(-1)[:, None], padding_mode="border", align_corners=False)[:, :, 0].transpose(1, 2)
    return (rgb + skip) / 2 + 0.5


@torch.inference_mode()
def test_a_published_file_gives_the_published_image(tmp_path: Path) -> None:
    model = load_published("srno", "sronet", tmp_path)
    image, golden = image_and_golden(model, "srno")
    torch.testing.assert_close(image, golden, atol=2e-4, rtol=0)  # of a magnitude of 20
    assert model.operator.largest_scale == 4


def test_it_is_its_definition() -> None:
    model = small().double()
    for parameter in model.parameters():
        parameter.requires_grad_()
    assert_is_its_definition(model, by_definition)


@torch.inference_mode()
def test_an_output_is_the_same_in_chunks_and_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    from splatsr.decoders import attended_image
    from splatsr.geometry import Strip, resolve_output

    model, lr = small(), torch.rand(2, 3, 5, 7)
    whole = model(lr).render(size=(16, 20))
    monkeypatch.setattr(attended_image, "CHUNK", {"cpu": 37})
    image, output = model(lr), resolve_output((5, 7), size=(16, 20))
    torch.testing.assert_close(image.render(size=(16, 20)), whole, atol=1e-5, rtol=0)
    strips = [image.render_strip(Strip(output, (5, 7), rows, origin=0)) for rows in ((0, 5), (5, 6), (6, 16))]
    torch.testing.assert_close(torch.cat(strips, 2), whole, atol=1e-5, rtol=0)
    assert not torch.allclose(image.render(size=(8, 10)), whole[..., ::2, ::2], atol=1e-3)


@torch.inference_mode()
def test_points_see_the_others_that_are_asked_for() -> None:
    image, points = small()(torch.rand(1, 3, 5, 7)), torch.rand(1, 9, 2) * 2 - 1
    cell = torch.tensor([[0.1, 0.1]])
    together, alone = image.query(points, cell), image.query(points[:, :1], cell)
    assert not torch.allclose(together[:, :1], alone, atol=1e-4)


@torch.inference_mode()
def test_cells_are_clipped_at_the_largest_scale() -> None:
    point = torch.tensor([[[0.3, -0.2], [0.1, 0.5]]])

    def at(image: object, scale: float) -> Tensor:
        return image.query(point, torch.tensor([[2 / (5 * scale), 2 / (7 * scale)]]))

    lr = torch.rand(1, 3, 5, 7)
    clipped, free = small()(lr), small(float("inf"))(lr)
    torch.testing.assert_close(at(clipped, 4), at(clipped, 30))
    assert not torch.allclose(at(free, 4), at(free, 30), atol=1e-5)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="cannot be divided"):
        GalerkinAttention(channels=10, heads=4)
    with pytest.raises(ValueError, match="at least two each"):
        GalerkinAttention(channels=4, heads=4)


@torch.inference_mode()
def test_features_that_are_not_kept_are_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    from splatsr.decoders import attended_image

    model, lr = small(), torch.rand(2, 3, 5, 7)
    kept = model(lr).render(size=(16, 20))
    monkeypatch.setattr(attended_image, "KEPT", 0)
    torch.testing.assert_close(model(lr).render(size=(16, 20)), kept, atol=1e-6, rtol=0)
