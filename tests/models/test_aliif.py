from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, unfold

from published_family import StoredFeatures, assert_is_its_definition, image_and_golden, load_published, published_content
from splatsr.checkpoints import published
from splatsr.encoders.edsr import EDSR
from splatsr.geometry import pixel_centres
from splatsr.models.aliif import ALIIF


def small() -> ALIIF:
    encoder = EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0)
    return ALIIF(encoder=encoder, hidden=[6, 5], basis=4, expansion=[16, 16]).eval()


def by_definition(model: ALIIF, lr: Tensor, coordinates: Tensor, cell: Tensor) -> Tensor:
    """The paper's formulas, one corner after the other, with every point's own weights written out."""
    features = model.encoder(2 * lr - 1)
    b, _, h, w = features.shape
    sides = features.new_tensor([h, w])
    unfolded = unfold(features, 3, padding=1).view(b, -1, h, w)
    pixels = torch.cartesian_prod(torch.arange(h), torch.arange(w))
    lr_centres = pixel_centres(pixels, (h, w)).to(features).T.view(1, 2, h, w).expand(b, -1, -1, -1)
    answers, areas = [], []
    for corner in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        moved = coordinates + coordinates.new_tensor(corner) / sides + 1e-6
        points = moved.clamp(-1 + 1e-6, 1 - 1e-6).flip(-1)[:, None]
        z, p = (grid_sample(grid, points, mode="nearest", align_corners=False)[:, :, 0].mT for grid in (unfolded, lr_centres))
        offset = (coordinates - p) * sides
        fed = torch.cat([z, offset, (cell * sides)[:, None].expand_as(offset)], -1)
        found = model.expansion(fed)
        coefficients, x = found / found.square().sum(-1, keepdim=True).sqrt(), fed
        for index, (weights, biases) in enumerate(zip(model.basis.weights, model.basis.biases, strict=True)):
            weight = (coefficients @ weights).unflatten(-1, (biases.shape[1], -1))
            x = (weight @ x[..., None])[..., 0] + coefficients @ biases
            x = x.relu() if index + 1 < len(model.basis.weights) else x
        answers.append(x)
        areas.append((offset.prod(-1).abs() + 1e-9)[..., None])
    return 0.5 + 0.5 * sum(answer * areas[3 - k] / sum(areas) for k, answer in enumerate(answers))


@torch.inference_mode()
def test_a_published_file_gives_the_published_image(tmp_path: Path) -> None:
    model = load_published("aliif", "liif", tmp_path)
    image, golden = image_and_golden(model, "aliif")
    torch.testing.assert_close(image, golden, atol=1e-4, rtol=0)
    model.encoder = StoredFeatures("aliif")
    image, golden = image_and_golden(model, "aliif")
    torch.testing.assert_close(image, golden, atol=1e-5, rtol=0)


def test_values_and_gradients_are_those_of_the_definition() -> None:
    assert_is_its_definition(small().double(), by_definition)


def test_the_basis_starts_within_the_published_bounds() -> None:
    model = ALIIF(encoder=small().encoder, hidden=[16, 16, 16, 16], basis=10, expansion=[8])
    for weight, bias in zip(model.basis.weights, model.basis.biases, strict=True):
        bound = weight.shape[1] ** -0.5
        assert 0.9 * bound < weight.abs().max() <= bound
        assert 0.7 * bound < bias.abs().max() <= bound


def test_a_file_that_names_itself_for_the_published_test_is_read_like_any() -> None:
    """That test reads the basis once more from a file that the arguments name; here the state dict's is the only one."""
    content = published_content("aliif", "liif")
    content["model"]["args"]["basis_spec"]["args"] |= {"state": "test", "path": "elsewhere.pth"}
    config, tensors = published.translate(content, source="file")
    assert config["_target_"] == "splatsr.models.aliif.ALIIF"
    assert tensors["basis.weights.0"] is content["model"]["sd"]["basis.w0"]
    assert tensors["basis.biases.0"] is content["model"]["sd"]["basis.bias1"]
