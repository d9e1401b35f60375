import math
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from golden import golden_weights, read_golden
from published_family import assert_is_its_definition, image_and_golden, load_published
from splatsr.checkpoints import published
from splatsr.checkpoints.build import build
from splatsr.decoders import local_attention
from splatsr.encoders.edsr import EDSR
from splatsr.geometry import Strip, pixel_centres, resolve_output
from splatsr.models.clit import CLIT


def small(stages: int) -> CLIT:
    encoder = EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0)
    return CLIT(
        encoder=encoder, stages=stages, stage_scale=2, width=12, heads=3, radius=2, hidden=[16, 16], flip_padding=0
    ).eval()


def centres(height: int, width: int) -> Tensor:
    return pixel_centres(torch.cartesian_prod(torch.arange(height), torch.arange(width)), (height, width))


def sampled(grid: Tensor, points: Tensor, mode: str, padding: str = "zeros") -> Tensor:
    points = points.flip(-1)[:, None]
    return grid_sample(grid, points, mode=mode, padding_mode=padding, align_corners=False)[:, :, 0].mT


def stage(model: CLIT, index: int, features: Tensor, coordinates: Tensor, cell: Tensor) -> Tensor:
    """The specification of a stage, one neighbour after the other."""
    layer, bias = model.stages[index], model.pb_encoder.proj
    b, _, h, w = features.shape
    sides = features.new_tensor([h, w])
    q, k, v = (conv(features) for conv in (layer.conv_q, layer.conv_k, layer.conv_v))
    middle = sampled(centres(h, w).to(features).T.view(1, 2, h, w).expand(b, -1, -1, -1), coordinates, "nearest")
    query = sampled(q, coordinates, "bilinear").unflatten(-1, (layer.heads, -1))
    scores, values = [], []
    frequencies = 2 ** torch.linspace(0, 10, 16, dtype=features.dtype) - 1
    for dy in range(-layer.radius, layer.radius + 1):
        for dx in range(-layer.radius, layer.radius + 1):
            point = middle + 2 * features.new_tensor([dy, dx]) / sides
            way = (coordinates - point) * sides
            angles = torch.cat([way[..., :1] * frequencies, way[..., 1:] * frequencies], -1)
            encoded = bias(torch.cat([angles.sin(), angles.cos()], -1))
            key = sampled(k, point, "nearest").unflatten(-1, (layer.heads, -1))
            scores.append((query * key).sum(-1) / math.sqrt(key.shape[-1]) + encoded)
            values.append(sampled(v, point, "nearest").unflatten(-1, (layer.heads, -1)))
    attention = torch.stack(scores, 2).softmax(2)
    weighted = (attention[..., None] * torch.stack(values, 2)).flatten(2)
    return layer.imnet(torch.cat([weighted, (cell * sides)[:, None].expand_as(coordinates)], -1))


def by_definition(model: CLIT, lr: Tensor, coordinates: Tensor, cell: Tensor) -> Tensor:
    x = 2 * lr - 1
    first = model.conv_ch(model.encoder(x))
    (height, width), answers = lr.shape[-2:], []
    for image in range(len(lr)):
        one = slice(image, image + 1)
        scale = max(round(2 / cell[image, 0].item()) / height, round(2 / cell[image, 1].item()) / width)
        prediction, finer = 0.0, 1
        for index in range(len(model.stages)):
            if index and scale <= finer:
                break
            points = centres(finer * height, finer * width).to(lr)[None]
            features = first[one] if finer == 1 else sampled(first[one], points, "bilinear").mT
            features = features.reshape(1, -1, finer * height, finer * width)
            prediction = stage(model, index, features, coordinates[one], cell[one]) + 0.75 * prediction
            finer *= model.stage_scale
        answers.append(prediction + sampled(x[one], coordinates[one], "bilinear", "border"))
    return 0.5 + 0.5 * torch.cat(answers)


@torch.inference_mode()
def test_a_published_file_gives_the_published_image(tmp_path: Path) -> None:
    image, golden = image_and_golden(load_published("clit", "clit", tmp_path), "clit")
    torch.testing.assert_close(image, golden, atol=3e-4, rtol=0)


@pytest.mark.parametrize("stages", [1, 3])
def test_it_is_its_definition(stages: int) -> None:
    model, cell = small(stages).double(), torch.tensor([[0.1, 0.2], [0.3, 0.05]]).double()
    assert [len(model.finer(scale)) for scale in (4, 40 / 7)] == [min(stages, 2), stages], "those of the cells"
    if stages == 3:
        assert_is_its_definition(model, by_definition)
    else:
        lr, coordinates = torch.rand(2, 3, 5, 7, dtype=torch.float64), torch.rand(2, 40, 2, dtype=torch.float64) * 2 - 1
        expected = by_definition(model, lr, coordinates, cell)
        torch.testing.assert_close(model(lr).query(coordinates, cell), expected, atol=1e-6, rtol=0)


@torch.inference_mode()
def test_rows_of_maps_can_be_made_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    model, lr, output = small(3), torch.rand(2, 3, 9, 4), resolve_output((9, 4), size=(52, 20))
    whole = model(lr).render(size=(52, 20))
    monkeypatch.setattr(local_attention, "TOGETHER", 1)
    monkeypatch.setattr("splatsr.decoders.implicit_image.CHUNK", {"cpu": 16 * 2 * 7})
    image = model(lr)
    torch.testing.assert_close(image.render(size=(52, 20)), whole, atol=1e-5, rtol=0)
    strips = [image.render_strip(Strip(output, (9, 4), rows, origin=0)) for rows in ((30, 52), (0, 30))]
    torch.testing.assert_close(torch.cat(strips[::-1], 2), whole, atol=1e-5, rtol=0)


def test_stages_are_those_of_the_published_test() -> None:
    model = small(3)
    model.stage_scale = 4
    for scale, stages in ((1, 1), (4, 1), (4.2, 2), (8, 2), (16, 2), (18, 3), (30, 3), (100, 3)):
        assert model.finer(scale) == [1, 4, 16][:stages]


def test_in_training_stages_share_a_scale_and_all_of_them_learn() -> None:
    model = small(3).train()
    model.stage_scale = 4
    drawn = {len(model.finer(3.0)) for _ in range(50)}
    assert drawn == {1, 2, 3}
    assert {len(model.finer(5.0)) for _ in range(50)} == {2, 3}
    assert any(model.finer(8.0) == pytest.approx([1, 2, 4]) for _ in range(50))
    untouched = {name for name, _ in model.named_parameters()}
    for _ in range(30):
        model.zero_grad()
        cell = torch.tensor([[0.13, 0.11]] * 2)
        model(torch.rand(2, 3, 5, 7)).query(torch.rand(2, 9, 2) * 2 - 1, cell).square().sum().backward()
        untouched -= {name for name, one in model.named_parameters() if one.grad is not None and one.grad.any()}
    assert not untouched


@pytest.mark.parametrize("stages", [2, 3])
def test_published_files_with_more_stages_are_read(stages: int) -> None:
    metadata = read_golden("clit")[1]
    state, more = golden_weights(metadata), {}
    for name, tensor in state.items():
        if name.startswith(("conv_qs", "conv_ks", "conv_vs", "imnets")):
            more |= {name.replace(".0.", f".{stage}.", 1): tensor for stage in range(1, stages)}
    arguments = {**metadata["hyperparameters"]["spec"], "imnet_num": stages, "conv_num": stages}
    content = {"model": {"name": "clit", "args": arguments, "sd": {**state, **more}}}
    config, tensors = published.translate(content, source="file")
    assert config["stages"] == stages
    expected = build(config).state_dict()
    assert {name: tensor.shape for name, tensor in tensors.items()} == {name: tensor.shape for name, tensor in expected.items()}
    with pytest.raises(published.InputError, match="CLIT has conv_num 1; published is"):
        published.translate({"model": {**content["model"], "args": {**arguments, "conv_num": 1}}}, source="file")


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="cannot be divided"):
        local_attention.LocalAttention(channels=10, heads=4, radius=1, hidden=[4])


def test_a_training_of_more_stages_begins_with_the_weights_of_fewer() -> None:
    one, three = small(1), small(3)
    completed = three.completed(one.state_dict())
    assert completed.keys() == three.state_dict().keys()
    assert all(torch.equal(completed[name], tensor) for name, tensor in one.state_dict().items())
    assert torch.equal(completed["stages.2.conv_q.weight"], three.stages[2].conv_q.weight)
    assert three.completed({"stages.0.other": torch.ones(1)}).keys() > {"stages.1.conv_q.weight"}


def test_what_is_no_network_of_stages_is_left_as_it_is() -> None:
    assert small(3).completed({"encoder.weight": torch.ones(1)}).keys() == {"encoder.weight"}
