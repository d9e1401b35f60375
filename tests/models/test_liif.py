from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import grid_sample, unfold

from published_family import StoredFeatures, assert_is_its_definition, image_and_golden, load_published
from splatsr.encoders.edsr import EDSR
from splatsr.geometry import pixel_centres
from splatsr.image.continuous_image import QueryableImage
from splatsr.models.liif import LIIF


def small() -> LIIF:
    return LIIF(encoder=EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0), hidden=[16, 16]).eval()


def centres(height: int, width: int) -> Tensor:
    pixels = torch.cartesian_prod(torch.arange(height), torch.arange(width))
    return pixel_centres(pixels, (height, width))[None]


def by_definition(model: LIIF, lr: Tensor, coordinates: Tensor, cell: Tensor) -> Tensor:
    """The paper's formulas, one corner after the other, every MLP input written out."""
    features = model.encoder(2 * lr - 1)
    b, _, h, w = features.shape
    sides = features.new_tensor([h, w])
    unfolded = unfold(features, 3, padding=1).view(b, -1, h, w)
    lr_centres = centres(h, w).to(features).view(1, h, w, 2).permute(0, 3, 1, 2).expand(b, -1, -1, -1)
    answers, areas = [], []
    for vertical, horizontal in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        moved = coordinates + coordinates.new_tensor([vertical / h, horizontal / w]) + 1e-6
        points = moved.clamp(-1 + 1e-6, 1 - 1e-6).flip(-1)[:, None]
        z, p = (grid_sample(grid, points, mode="nearest", align_corners=False)[:, :, 0].mT for grid in (unfolded, lr_centres))
        offset = (coordinates - p) * sides
        answers.append(model.imnet(torch.cat([z, offset, (cell * sides)[:, None].expand_as(offset)], -1)))
        areas.append((offset.prod(-1).abs() + 1e-9)[..., None])
    total = sum(areas)
    return 0.5 + 0.5 * sum(answer * areas[3 - k] / total for k, answer in enumerate(answers))


@torch.inference_mode()
def test_a_published_file_gives_the_published_image(tmp_path: Path) -> None:
    model = load_published("liif", "liif", tmp_path)
    image, golden = image_and_golden(model, "liif")
    torch.testing.assert_close(image, golden, atol=1e-4, rtol=0)
    model.encoder = StoredFeatures("liif")
    image, golden = image_and_golden(model, "liif")
    torch.testing.assert_close(image, golden, atol=1e-5, rtol=0)


def test_values_and_gradients_are_those_of_the_definition() -> None:
    assert_is_its_definition(small().double(), by_definition)


@torch.inference_mode()
def test_a_render_is_the_query_of_its_pixel_centres() -> None:
    image = small()(torch.rand(2, 3, 5, 7))
    assert isinstance(image, QueryableImage)
    queried = image.query(centres(16, 23).expand(2, -1, -1), torch.tensor([[2 / 16, 2 / 23]] * 2))
    torch.testing.assert_close(image.render(size=(16, 23)), queried.mT.view(2, 3, 16, 23))


def test_features_finer_than_the_lr_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="set encoder.upscale=1"):
        LIIF(encoder=EDSR(channels=8, blocks=1, upscale=2, out_channels=8, input_mean=0.0), hidden=[4])
