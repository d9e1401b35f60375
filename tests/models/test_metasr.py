from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import unfold

from published_family import StoredFeatures, image_and_golden, load_published
from splatsr.encoders.edsr import EDSR
from splatsr.models.metasr import MetaSR


def small() -> MetaSR:
    return MetaSR(encoder=EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0), hidden=16).eval()


def by_definition(model: MetaSR, lr: Tensor, size: tuple[int, int]) -> Tensor:
    """Meta-SR as its paper has it: output pixel (i, j) belongs to LR pixel (floor(i / s), floor(j / s))."""
    features = model.encoder(2 * lr - 1)
    h, w = features.shape[-2:]
    unfolded = unfold(features, 3, padding=1).view(len(lr), -1, h, w)
    image = lr.new_empty(len(lr), 3, *size)
    for i in range(size[0]):
        for j in range(size[1]):
            y, x = i * h / size[0], j * w / size[1]
            position = lr.new_tensor([y % 1, x % 1, h / size[0]])
            image[:, :, i, j] = unfolded[:, :, int(y), int(x)] @ model.imnet(position).view(-1, 3)
    return image / 2 + 0.5


@torch.inference_mode()
def test_a_published_file_gives_the_published_image(tmp_path: Path) -> None:
    model = load_published("metasr", "metasr", tmp_path)
    image, golden = image_and_golden(model, "metasr")
    assert (image - golden).abs().max() < 1e-4 * golden.abs().max()
    model.encoder = StoredFeatures("metasr")
    image, golden = image_and_golden(model, "metasr")
    assert (image - golden).abs().max() < 5e-6 * golden.abs().max()


@torch.inference_mode()
def test_an_image_is_that_of_the_definition() -> None:
    model, lr = small().double(), torch.rand(2, 3, 4, 5, dtype=torch.float64)
    torch.testing.assert_close(model(lr).render(size=(9, 13)), by_definition(model, lr, (9, 13)), atol=1e-5, rtol=0)


def test_every_weight_gets_a_gradient() -> None:
    model = small()
    model(torch.rand(2, 3, 5, 7)).render(scale=(2.5, 3)).square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())


@torch.inference_mode()
def test_only_the_vertical_scale_enters() -> None:
    image = small()(torch.rand(1, 3, 5, 7))
    corner = torch.tensor([[[-1.0, -1.0]]])
    wide, narrow = (image.query(corner + torch.tensor(cell) / 2, torch.tensor([cell])) for cell in ([0.1, 0.2], [0.1, 0.05]))
    torch.testing.assert_close(wide, narrow)
