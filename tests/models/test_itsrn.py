from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, unfold

from published_family import StoredFeatures, assert_is_its_definition, image_and_golden, load_published
from splatsr.encoders.edsr import EDSR
from splatsr.geometry import pixel_centres
from splatsr.models.itsrn import ITSRN


def small() -> ITSRN:
    encoder = EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0)
    return ITSRN(encoder=encoder, hidden=[16, 16], score_hidden=5, aggregation_hidden=6).eval()


def by_definition(model: ITSRN, lr: Tensor, coordinates: Tensor, cell: Tensor) -> Tensor:
    """The published formulas, one corner after the other, with the matrix of every point written out."""
    features = model.encoder(2 * lr - 1)
    b, _, h, w = features.shape
    sides, token = features.new_tensor([h, w]), cell / 2
    unfolded = unfold(features, 3, padding=1).view(b, -1, h, w)
    pixels = torch.cartesian_prod(torch.arange(h), torch.arange(w))
    lr_centres = pixel_centres(pixels, (h, w)).to(features).T.view(1, 2, h, w).expand(b, -1, -1, -1)
    answers = []
    for corner in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        moved = coordinates + coordinates.new_tensor(corner) * ((1 - token) / (sides - 1))[:, None] + 1e-6
        points = moved.clamp(-1 + 1e-6, 1 - 1e-6).flip(-1)[:, None]
        z, p = (grid_sample(grid, points, mode="nearest", align_corners=False)[:, :, 0].mT for grid in (unfolded, lr_centres))
        offset = (coordinates - p) * sides
        weights = model.imnet(torch.cat([offset, (token * sides)[:, None].expand_as(offset)], -1)).unflatten(-1, (-1, 3))
        answers.append(torch.einsum("bqc,bqcr->bqr", z, weights) + model.score(offset))
    return 0.5 + 0.5 * model.aggregation(torch.stack(answers, -1))[..., 0]


@torch.inference_mode()
def test_a_published_file_gives_the_published_image(tmp_path: Path) -> None:
    model = load_published("itsrn", "ITNSR", tmp_path)
    image, golden = image_and_golden(model, "itsrn")
    assert (image - golden).abs().max() < 1e-4 * golden.abs().max()
    model.encoder = StoredFeatures("itsrn")
    image, golden = image_and_golden(model, "itsrn")
    assert (image - golden).abs().max() < 5e-6 * golden.abs().max()


def test_values_and_gradients_are_those_of_the_definition() -> None:
    assert_is_its_definition(small().double(), by_definition)
