import logging
from pathlib import Path

import pytest
import torch
from torch.nn.functional import layer_norm

from golden import read_golden
from published_family import image_and_golden, load_published
from splatsr.encoders.edsr import EDSR
from splatsr.geometry import Strip, resolve_output
from splatsr.models.mambasr import MambaSR, StateSpaceBlock


def small() -> MambaSR:
    encoder = EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0)
    return MambaSR(encoder=encoder, depths=[2, 1], states=3, expansion=2, width=12, heads=3, largest_scale=4).eval()


@torch.inference_mode()
def test_a_published_file_gives_the_published_image(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "splatsr.checkpoints.published")
    model = load_published("mambasr", "mambasr", tmp_path)
    assert "published MambaSR, encoder edsr-baseline, 4,929,291 parameters" in caplog.text
    assert "not used: sub_mean (2), add_mean (2), conv2 (2)" in caplog.text
    tensors, _ = read_golden("mambasr")
    features = model.encoder(2 * tensors["input"] - 1).permute(0, 2, 3, 1)
    refined = model.layers(features).permute(0, 3, 1, 2)  # of a magnitude of 100
    torch.testing.assert_close(refined[:, :4], tensors["feature_head"], atol=1e-3, rtol=0)
    image, golden = image_and_golden(model, "mambasr")
    torch.testing.assert_close(image, golden, atol=5e-4, rtol=0)


@torch.inference_mode()
def test_a_block_adds_a_scan_and_convolutions_to_scaled_inputs() -> None:
    block, x = StateSpaceBlock(channels=8, states=3, expansion=2), torch.randn(2, 4, 5, 8)
    for parameter in (block.skip_scale, block.skip_scale2, block.ln_1.weight, block.ln_2.bias):
        torch.nn.init.normal_(parameter)
    middle = x * block.skip_scale + block.self_attention(layer_norm(x, (8,), block.ln_1.weight, block.ln_1.bias))
    normed = layer_norm(middle, (8,), block.ln_2.weight, block.ln_2.bias).permute(0, 3, 1, 2)
    expected = middle * block.skip_scale2 + block.conv_blk["cab"](normed).permute(0, 2, 3, 1)
    torch.testing.assert_close(block(x), expected)


def test_every_weight_gets_a_gradient_from_sampled_points() -> None:
    model = small()
    coordinates, cell = torch.rand(2, 40, 2) * 2 - 1, torch.tensor([[0.1, 0.2], [0.3, 0.05]])
    model(torch.rand(2, 3, 5, 7)).query(coordinates, cell).square().sum().backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()]
    assert not without


@torch.inference_mode()
def test_any_size_renders_whole_or_in_strips() -> None:
    model = small()
    for lr, size in (((1, 1), (3, 5)), ((1, 4), (2, 9)), ((5, 7), (16, 20)), ((5, 7), (4, 31))):
        image = model(torch.rand(1, 3, *lr))
        whole, output = image.render(size=size), resolve_output(lr, size=size)
        assert whole.isfinite().all()
        strips = [image.render_strip(Strip(output, lr, rows, origin=0)) for rows in ((0, 1), (1, size[0]))]
        torch.testing.assert_close(torch.cat(strips, 2), whole, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_every_image_of_a_batch_is_for_itself() -> None:
    model, lr = small(), torch.rand(2, 3, 5, 7)
    together = model(lr).render(scale=(2.5, 3))
    torch.testing.assert_close(together[1:], model(lr[1:]).render(scale=(2.5, 3)), atol=1e-5, rtol=0)
