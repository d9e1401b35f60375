from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import pad

import splatsr
from golden import golden_weights, read_golden
from splatsr.errors import InputError
from splatsr.models.drsformer import DRSformer


def weights(*, mixtures: bool) -> dict[str, Tensor]:
    """The golden's state dict, as the authors' file has it."""
    tensors, metadata = read_golden("drsformer")
    state = {name: tensors.get(f"override.{name}", one) for name, one in golden_weights(metadata).items()}
    ends = () if mixtures else ("encoder_level0.", "refinement.")
    return {name: tensor for name, tensor in state.items() if not ends or not name.startswith(ends)}


def load(folder: Path, content: object) -> DRSformer:
    torch.save(content, folder / "deraining.pth")
    return splatsr.load(folder / "deraining.pth")


@pytest.mark.parametrize(("golden", "mixtures"), [("output", True), ("output_without_mefc", False)])
@torch.inference_mode()
def test_a_published_file_gives_the_published_image(golden: str, mixtures: bool, tmp_path: Path) -> None:
    tensors = read_golden("drsformer")[0]
    model = load(tmp_path, {"params": weights(mixtures=mixtures)})
    image = model(tensors["input"]).render(size=tensors["input"].shape[-2:])
    torch.testing.assert_close(image, tensors[golden], atol=3e-5, rtol=0)


@torch.inference_mode()
def test_its_parts_give_what_the_published_ones_give(tmp_path: Path) -> None:
    tensors = read_golden("drsformer")[0]
    encoder = load(tmp_path, weights(mixtures=True)).encoder
    block = encoder.latent[0]
    torch.testing.assert_close(block.attn(tensors["attn_input"]), tensors["attn_output"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(block.ffn(tensors["ffn_input"]), tensors["ffn_output"], atol=1e-5, rtol=1e-5)
    first = encoder.patch_embed(tensors["input"])
    logits = encoder.encoder_level0.gate(first.mean((2, 3))).unflatten(1, (4, 8))
    torch.testing.assert_close(logits, tensors["mefc_weights_logits"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(encoder.encoder_level0(first)[:, :2], tensors["encoder_level0_head"], atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_other_sizes_are_mirrored_to_a_multiple_of_eight_and_cut_after_the_last_convolution(tmp_path: Path) -> None:
    model, image = load(tmp_path, {"params": weights(mixtures=True)}), torch.rand(2, 3, 21, 30)
    whole = pad(image, (0, 2, 0, 3), mode="reflect")
    expected = model(whole).render(scale=1)[..., :21, :30]
    torch.testing.assert_close(model(image).render(scale=1), expected, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_images_of_a_batch_do_not_see_each_other(tmp_path: Path) -> None:
    model, images = load(tmp_path, {"params": weights(mixtures=True)}), torch.rand(2, 3, 16, 24)
    both = model(images).render(scale=1)
    for index in range(2):
        torch.testing.assert_close(model(images[index : index + 1]).render(scale=1)[0], both[index], atol=1e-4, rtol=0)


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    state = weights(mixtures=False)
    state["latent.0.ffn.project_out.weight"] = torch.zeros(3, 3, 1, 1)
    with pytest.raises(InputError, match="does not fit DRSformer"):
        load(tmp_path, {"params": state})
    state["encoder_level1.0.ffn.project_out.weight"] = torch.zeros(())
    with pytest.raises(InputError, match="is no DRSformer as published"):
        load(tmp_path, {"params": state})
    state["encoder_level1.0.ffn.project_out.weight"] = "text"
    with pytest.raises(InputError):
        load(tmp_path, {"params": state})
