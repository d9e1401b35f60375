from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from published_family import StoredFeatures, image_and_golden, load_published
from splatsr.decoders.bilinear_skip import bilinear
from splatsr.encoders.edsr import EDSR
from splatsr.models.lte import LTE


def small(flip_padding: int = 0) -> LTE:
    encoder = EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0)
    return LTE(encoder=encoder, waves=6, hidden=[16, 16], largest_scale=4, flip_padding=flip_padding).eval()


@torch.inference_mode()
def test_a_published_file_gives_the_published_image(tmp_path: Path) -> None:
    model = load_published("lte", "lte", tmp_path)
    image, golden = image_and_golden(model, "lte")
    torch.testing.assert_close(image, golden, atol=1e-3, rtol=0)  # waves amplify the encoder's rounding errors
    model.encoder = StoredFeatures("lte")
    image, golden = image_and_golden(model, "lte")
    torch.testing.assert_close(image, golden, atol=3e-4, rtol=0)  # and the decoder's own: frequencies reach 47


def test_a_published_file_with_swinir_gives_the_published_image(tmp_path: Path) -> None:
    image, golden = image_and_golden(load_published("lte-swinir", "lte", tmp_path), "lte-swinir")
    torch.testing.assert_close(image, golden, atol=1e-4, rtol=0)


def test_the_skip_is_the_bilinear_lr_image() -> None:
    model, lr = small(), torch.rand(2, 3, 5, 7)
    torch.nn.init.zeros_(model.imnet[-1].weight)
    torch.nn.init.zeros_(model.imnet[-1].bias)
    expected = interpolate(lr, size=(17, 20), mode="bilinear", align_corners=False)
    torch.testing.assert_close(model(lr).render(size=(17, 20)), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(bilinear(lr, torch.tensor([[[-1.0, 1]] * 2] * 2))[:, 0], lr[:, :, 0, -1])


@torch.inference_mode()
def test_cells_are_clipped_at_the_largest_scale() -> None:
    image, point = small()(torch.rand(1, 3, 5, 7)), torch.tensor([[[0.3, -0.2]]])

    def at(scale: float) -> Tensor:
        return image.query(point, torch.tensor([[2 / (5 * scale), 2 / (7 * scale)]]))

    torch.testing.assert_close(at(4), at(30))
    assert not torch.allclose(at(3), at(4))


@torch.inference_mode()
def test_flip_padding_is_that_of_the_published_test() -> None:
    plain, padding = small(), small(flip_padding=4)
    padding.load_state_dict(plain.state_dict())
    lr = torch.rand(2, 3, 5, 8)
    below = torch.cat([lr, lr.flip(-2)], dim=-2)[:, :, :8]
    whole = torch.cat([below, below.flip(-1)], dim=-1)[..., :12]  # 8 is a multiple of 4 already: a whole window is added
    expected = plain(whole).render(scale=3)[:, :, :15, :24]
    torch.testing.assert_close(padding(lr).render(scale=3), expected, atol=1e-5, rtol=0)
    assert not torch.allclose(plain(lr).render(scale=3), expected, atol=1e-3), "the border shows the difference"


def test_every_weight_gets_a_gradient() -> None:
    model = small()
    model(torch.rand(2, 3, 5, 7)).render(scale=(2.5, 3)).square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())
