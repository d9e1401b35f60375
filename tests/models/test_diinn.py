import logging
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, unfold

from published_family import StoredFeatures, diinns_content, image_and_golden, load_published
from splatsr.checkpoints import published
from splatsr.encoders.edsr import EDSR
from splatsr.errors import InputError
from splatsr.geometry import pixel_centres
from splatsr.models.diinn import DIINN, nearest_exact


def small() -> DIINN:
    return DIINN(encoder=EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0), hidden=[16, 12, 10]).eval()


def centres(height: int, width: int) -> Tensor:
    return pixel_centres(torch.cartesian_prod(torch.arange(height), torch.arange(width)), (height, width))[None]


def by_definition(model: DIINN, lr: Tensor, size: tuple[int, int]) -> Tensor:
    """The published way: everything enlarged first, then 1x1 convolutions on the whole image."""
    features = model.encoder(2 * lr - 1)
    b, _, h, w = features.shape
    x, centres_of_lr = (
        interpolate(image, size, mode="nearest-exact")
        for image in (unfold(features, 3, padding=1).view(b, -1, h, w), centres(h, w).to(lr).mT.view(1, 2, h, w))
    )
    offsets = (centres(*size).to(lr).mT.view(1, 2, *size) - centres_of_lr) * lr.new_tensor([h, w]).view(1, 2, 1, 1)
    ratio = lr.new_full((b, 1, *size), h * w / (size[0] * size[1]))
    q, k_input = torch.cat([offsets.expand(b, -1, -1, -1), ratio], 1), x
    for modulation, synthesis in zip(model.modulation, model.synthesis, strict=True):
        factors = conv2d(k_input, modulation.weight, modulation.bias).relu()
        q = factors * conv2d(q, synthesis.weight, synthesis.bias).sin()
        k_input = torch.cat([q, x], 1)
    return 0.5 + 0.5 * conv2d(q, model.last.weight, model.last.bias)


@torch.inference_mode()
def test_a_published_file_gives_the_published_image(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "splatsr.checkpoints.published")
    model = load_published("diinn", "diinn", tmp_path)
    assert "published DIINN, encoder rdn, 22,960,579 parameters; not used: sub (1), div (1)" in caplog.text
    image, golden = image_and_golden(model, "diinn")
    torch.testing.assert_close(image, golden, atol=1e-4, rtol=0)
    model.encoder = StoredFeatures("diinn")
    image, golden = image_and_golden(model, "diinn")
    torch.testing.assert_close(image, golden, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(9, 13), (15, 28)])
def test_values_and_gradients_are_those_of_the_definition(size: tuple[int, int]) -> None:
    model = small().double()
    lr = torch.rand(2, 3, 5, 7, dtype=torch.float64)
    ours, theirs = model(lr).render(size=size), by_definition(model, lr, size)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)  # centres are float32 in ours
    parameters = list(model.parameters())
    upstream = torch.randn_like(ours)
    for one, other in zip(*(torch.autograd.grad(rgb, parameters, upstream) for rgb in (ours, theirs)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_a_pixels_lr_pixel_is_interpolates_also_on_the_border_of_two() -> None:
    borders = 0
    for few in (1, 5, 24, 97, 510):
        for many in (few, round(1.5 * few), round(2.5 * few), round(3.3 * few), 7 * few):
            rows = torch.arange(float(few)).view(1, 1, few, 1).expand(-1, -1, -1, few)
            expected = interpolate(rows, size=(many, 1), mode="nearest-exact").flatten()
            along = torch.arange(many)
            points = pixel_centres(torch.stack([along, along], -1), (many, many))[None]
            found = nearest_exact(points, torch.tensor([[2 / many, 2 / many]]), (few, few))
            assert torch.equal(found[0, :, 0].float(), expected)
            assert torch.equal(found[0, :, 1].float(), expected)
            borders += int(((2 * along + 1) * few % (2 * many) == 0).sum())
    assert borders > 100
    assert nearest_exact(torch.tensor([[[-1.5, 1.5]]]), torch.tensor([[0.1, 0.1]]), (4, 6)).tolist() == [[[0, 5]]]


def test_other_networks_of_its_training_code_are_refused() -> None:
    content = diinns_content("diinn")
    for changes, message in (
        ({"arch": "liif"}, "LIIF has no argument"),
        ({"arch": "imsisr"}, "the method 'imsisr'.*DIINN .'diinn'."),
        ({"mode": 4}, "DIINN has mode 4; published is 3"),
        ({"init_q": True}, "DIINN has init_q True; published is False"),
    ):
        with pytest.raises(InputError, match=message):
            published.translate({**content, "hyper_parameters": {**content["hyper_parameters"], **changes}}, source="file")
