from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import grid_sample, unfold

from golden import read_golden
from published_family import assert_is_its_definition, ciaosrs_content, load_published
from splatsr.checkpoints import published
from splatsr.encoders.edsr import EDSR, ResidualBlock
from splatsr.geometry import pixel_centres
from splatsr.models.ciaosr import MEAN, CiaoSR


def small() -> CiaoSR:
    return CiaoSR(encoder=EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0), hidden=[16, 16]).eval()


def nearest(grid: Tensor, points: Tensor) -> Tensor:
    return grid_sample(grid, points.flip(-1)[:, None], mode="nearest", align_corners=False)[:, :, 0].mT


def by_definition(model: CiaoSR, lr: Tensor, coordinates: Tensor, cell: Tensor) -> Tensor:
    """Section 3's formulas, one corner after the other, every MLP input written out."""
    mean = lr.new_tensor(MEAN).view(3, 1, 1)
    features = model.encoder(lr - mean)
    b, _, h, w = features.shape
    sides = features.new_tensor([h, w])
    keys = unfold(features, 3, padding=1).view(b, -1, h, w)
    values = torch.cat([keys, model.cs_attn(features)], 1)
    centres = pixel_centres(torch.cartesian_prod(torch.arange(h), torch.arange(w)), (h, w)).to(features)
    centres = centres.T.view(1, 2, h, w).expand(b, -1, -1, -1)
    query = nearest(keys, coordinates)
    shifts = (1 - cell) / (sides - 1)
    scores, found = [], []
    for corner in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        moved = coordinates + shifts[:, None] * coordinates.new_tensor(corner) + 1e-6
        k, v, p = (nearest(grid, moved.clamp(-1 + 1e-6, 1 - 1e-6)) for grid in (keys, values, centres))
        offset = (coordinates - p) * sides
        told = [offset, (cell * sides)[:, None].expand_as(offset)]
        scores.append((query * k * model.imnet_k(torch.cat([k, *told], -1))).sum(-1))
        found.append(v * model.imnet_v(torch.cat([v, *told], -1)))
    weights = torch.stack(scores).softmax(0)[..., None]
    rgb = model.imnet_q((weights * torch.stack(found)).sum(0))
    skip = grid_sample(lr - mean, coordinates.flip(-1)[:, None], padding_mode="border", align_corners=False)[:, :, 0].mT
    return rgb + skip + mean[:, 0, 0]


@torch.inference_mode()
def test_a_published_file_gives_the_published_image(tmp_path: Path) -> None:
    model = load_published("ciaosr", "ciaosr", tmp_path)
    tensors, _ = read_golden("ciaosr")
    mean = torch.tensor(MEAN).view(3, 1, 1)
    features = model.encoder(tensors["input"] - mean)
    torch.testing.assert_close(features[:, :2], tensors["encoder_feature_head"], atol=1e-4, rtol=0)
    similar = model.cs_attn(features)
    torch.testing.assert_close(similar[:, :2], tensors["nonlocal_feature_head"], atol=1e-3, rtol=0)
    # The softmax is hard: the authors' own network is off by 5e-3 at a few points between float32 and float64, 6e-6 on average.
    error = (model(tensors["input"]).render(size=tensors["output"].shape[-2:]) - mean - tensors["output"]).abs()
    assert error.mean() < 3e-5
    assert error.max() < 3e-2


def test_it_is_its_definition() -> None:
    assert_is_its_definition(small().double(), by_definition)


def test_files_without_the_prefix_and_with_other_encoders_are_read() -> None:
    content = ciaosrs_content("ciaosr", prefix="")
    config, tensors = published.translate(content, source="file")
    assert config["encoder"]["_target_"] == "splatsr.encoders.edsr.EDSR"
    assert "encoder.body.16.weight" in tensors
    assert "cs_attn.escape_NaN" not in tensors
    decoder = {name: one for name, one in content["state_dict"].items() if name.startswith(("imnet", "cs_attn"))}
    some = torch.zeros(1)
    for theirs, ours, encoder in (
        (("sfe1.weight", "rdbs.3.layers.7.conv.bias", "rdbs.3.lff.bias", "gff.1.bias"),
         ("SFENet1.weight", "RDBs.3.convs.7.conv.0.bias", "RDBs.3.LFF.bias", "GFF.1.bias"), "rdn.RDN"),
        (("patch_embed.norm.weight", "layers.0.conv.bias", "conv_first.bias"),
         ("patch_embed.norm.weight", "layers.0.conv.bias", "conv_first.bias"), "swinir_body.SwinIRBody"),
    ):  # fmt: skip
        state = {**decoder, **dict.fromkeys(theirs, some), "layers.0.residual_group.blocks.1.attn_mask": some}
        config, tensors = published.translate({"meta": {}, "state_dict": state}, source="file")
        assert config["encoder"]["_target_"] == f"splatsr.encoders.{encoder}"
        assert {name for name in tensors if name.startswith("encoder.")} == {f"encoder.{name}" for name in ours}


def test_a_file_with_an_unknown_encoder_is_refused() -> None:
    state = {name: one for name, one in ciaosrs_content("ciaosr")["state_dict"].items() if "body" not in name}
    with pytest.raises(published.InputError, match="expected a name of edsr-baseline, rdn, swinir-body"):
        published.translate({"meta": {}, "state_dict": state}, source="file")


def test_first_weights_of_residual_blocks_are_a_tenth_of_kaimings() -> None:
    encoder = EDSR(channels=64, blocks=2, upscale=1, out_channels=64, input_mean=0.0)
    CiaoSR(encoder=encoder, hidden=[8])
    for block in encoder.modules():
        if isinstance(block, ResidualBlock):
            for layer in (block.body[0], block.body[2]):
                assert layer.weight.std().item() == pytest.approx(0.1 * (2 / (9 * 64)) ** 0.5, rel=0.05)
                assert not layer.bias.any()
    assert encoder.head[0].bias.any()
