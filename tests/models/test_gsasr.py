import dataclasses
import logging
import math
from pathlib import Path

import pytest
import torch

import splatsr
from composed import settings_of
from golden import read_golden
from published_gsasr import published_image, swin_index, write_folder
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import save_model
from splatsr.decoders.gaussian_kernels import kernels_of
from splatsr.decoders.seed_attention import crossing_index
from splatsr.decoders.seed_attention import swin_index as our_swin_index
from splatsr.errors import InputError
from splatsr.geometry import Output, Strip
from splatsr.models.gsasr import GSASR
from splatsr.splatting import splat_windowed

NARROW = (
    "model.encoder.channels=8", "model.encoder.out_channels=8", "model.encoder.blocks=1", "model.decoder.channels=24",
    "model.decoder.window=4", "model.decoder.interaction=[2]",
)  # fmt: skip


def small(*overrides: str, name: str = "gsasr") -> GSASR:
    return build(settings_of(f"model={name}", *NARROW, *overrides)["model"]).eval()


@pytest.mark.parametrize(
    ("golden", "said"),
    [("gsasr", "GSASR, encoder edsr-without-skip, 20,444,797 p"), ("gsasr-enhanced", "GSASR enhanced, encoder edsr-w")],
)
@torch.inference_mode()
def test_a_published_folder_gives_the_published_image(
    golden: str, said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With golden weights rho saturates, so that float32's order alone moves pixels: Gaussians are compared tightly, pixels by
    their mean."""
    caplog.set_level(logging.INFO, "splatsr.checkpoints.published")
    tensors, metadata = read_golden(golden)
    index = tensors.get("cross_relative_position_index")
    model = splatsr.load(write_folder(tmp_path / "EDSR", metadata, None if index is None else index.long()))
    assert f"published {said}" in caplog.text
    scale, image = float(metadata["scale"]), model(tensors["input"])
    torch.testing.assert_close(image.features[:, :2], tensors["encoder_feature_head"], atol=2e-4, rtol=0)
    gaussians = image.gaussians(scale)[0]
    torch.testing.assert_close(gaussians[::8], tensors["gaussians_stride8"], atol=3e-4, rtol=0)
    torch.testing.assert_close(gaussians.mean(0), tensors["gaussians_mean"], atol=1e-5, rtol=0)
    rendered = published_image(model, tensors["input"], scale)
    assert rendered.shape == tensors["output"].shape
    assert (rendered - tensors["output"]).abs().mean() < 2e-4


@pytest.mark.parametrize(("side", "scale"), [(24, 2.65), (20, 3.3), (24, 1.98), (13, 0.9)])
@torch.inference_mode()
def test_a_size_that_is_rounded_up_is_the_published_image_and_a_pixel_more(side: int, scale: float) -> None:
    """Of whole windows too, where the published canvas ends a pixel before ours."""
    model, lr = small(), torch.rand(1, 3, side, side)
    theirs, ours = published_image(model, lr, scale), model(lr).render(scale=scale)
    assert ours.shape[-1] - theirs.shape[-1] == round(scale * side) - int(scale * side)
    torch.testing.assert_close(ours[..., : theirs.shape[-2], : theirs.shape[-1]], theirs, atol=1e-5, rtol=0)
    if side % 12 == 0:  # nothing was filled up: there is no more of the canvas
        assert torch.equal(ours[..., -1, :], ours[..., -2, :])
        assert torch.equal(ours[..., -1], ours[..., -2])
    strip = Strip(Output((ours.shape[-2],) * 2, (scale, scale)), (side, side), (ours.shape[-2] - 1, ours.shape[-2]), origin=0)
    assert torch.equal(model(lr).render_strip(strip), ours[..., -1:, :])


def test_one_file_of_the_two_says_what_is_missing(tmp_path: Path) -> None:
    torch.save({"params": {"weight": torch.zeros(1)}}, tmp_path / "encoder.pth")
    for path in (tmp_path, tmp_path / "encoder.pth"):
        with pytest.raises(InputError, match=r"Of GSASR name the folder that holds encoder\.pth and decoder\.pth"):
            splatsr.load(path)


def test_position_indices_are_the_published_ones() -> None:
    assert torch.equal(crossing_index(12), read_golden("gsasr")[0]["cross_relative_position_index"].long())
    assert torch.equal(our_swin_index(12), swin_index(12))


@pytest.mark.parametrize(("name", "windowed"), [("output", True), ("output_untruncated", False)])
def test_gaussians_are_drawn_as_the_published_renderers_draw_them(name: str, windowed: bool) -> None:
    tensors, metadata = read_golden("gsasr-raster")
    height, width = metadata["size"]
    dmax, scale = float(metadata["dmax"]), float(metadata["scale"])
    reach = (dmax * (height - 1) / 2, dmax * (width - 1) / 2) if windowed else (math.inf, math.inf)
    for raw, tolerance in ((tensors["input"].double(), 5e-6), (tensors["input"], 1e-5)):  # theirs is float32, 4e-6 off
        kernels = kernels_of(raw[None], (height, width), (scale, scale))
        image = splat_windowed(*kernels, (height, width), reach)
        torch.testing.assert_close(image.float(), tensors[name], atol=tolerance, rtol=0)


@pytest.mark.parametrize("name", ["gsasr", "gsasr_enhanced"])
def test_every_weight_but_the_scales_queries_gets_a_gradient(name: str) -> None:
    model = small(name=name).train()
    model(torch.rand(2, 3, 5, 7)).render(scale=2.3).square().sum().backward()
    without = {key for key, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()}
    queries = {key for key in without if ".norm1." in key or ".norm3." in key}
    assert without == queries
    assert len(queries) == 2 * (2 + 2)  # of two layers of either kind
    rows = next(weight.grad for key, weight in model.named_parameters() if key.endswith("in_proj_weight"))
    assert not rows[:48].any()
    assert rows[48:].any()


@torch.inference_mode()
def test_any_size_renders_whole_or_in_strips() -> None:
    model = small()
    for lr, size in (((1, 1), (3, 5)), ((1, 4), (2, 9)), ((5, 7), (16, 20)), ((5, 7), (1, 1)), ((5, 7), (4, 31))):
        image, output = model(torch.rand(1, 3, *lr)), Output(size, (size[0] / lr[0], size[1] / lr[1]))
        whole = image.render(size=size)
        assert whole.shape == (1, 3, *size)
        assert whole.isfinite().all()
        cuts = sorted({0, 1, size[0] // 2, size[0]})
        strips = [image.render_strip(Strip(output, lr, rows, origin=0)) for rows in zip(cuts, cuts[1:], strict=False)]
        torch.testing.assert_close(torch.cat(strips, 2), whole, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_every_image_of_a_batch_is_for_itself() -> None:
    model, lr = small(name="gsasr_enhanced"), torch.rand(2, 3, 5, 7)
    together = model(lr).render(scale=2.5)
    torch.testing.assert_close(together[1:], model(lr[1:]).render(scale=2.5), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_gaussians_are_predicted_anew_for_another_scale_and_not_for_the_same() -> None:
    model = small()
    calls: list[float] = []
    model.decoder.register_forward_hook(lambda _, inputs, __: calls.append(1 / inputs[1].item()))
    image = model(torch.rand(1, 3, 5, 7))
    for scale in (2, 2, 3.5, (3.5, 3.5)):
        image.render(scale=scale)
    assert calls == pytest.approx([2, 3.5])
    assert not torch.equal(image.gaussians(2.0), image.gaussians(3.5))


@torch.inference_mode()
def test_the_network_is_told_the_vertical_scale_and_sigmas_stretch_by_their_own() -> None:
    raw = torch.zeros(1, 1, 9)
    _, square, _ = kernels_of(raw, (8, 8), (2.0, 2.0))
    _, wide, _ = kernels_of(raw, (8, 12), (2.0, 3.0))
    torch.testing.assert_close(wide, square * torch.tensor([1.5, 1.0, 1.0]))


@torch.inference_mode()
def test_windows_are_shares_of_the_output_and_trainings_have_their_own() -> None:
    model = small()
    assert model(torch.rand(1, 3, 4, 4)).window((41, 21)) == pytest.approx((2.0, 1.0))
    assert model.train()(torch.rand(1, 3, 4, 4)).window((41, 21)) == pytest.approx((10.0, 5.0))
    dynamic = small("model.window._target_=splatsr.decoders.raster_window.DynamicRasterWindow")(torch.rand(1, 3, 4, 4)).window
    assert dynamic((41, 21)) == pytest.approx((2.1 / 21 * 20, 2.1 / 21 * 10))
    assert small("model.window.dmax=inf").window((41, 21)) == (math.inf, math.inf)


@torch.inference_mode()
def test_tiles_cover_any_output_and_one_tile_is_the_whole_image() -> None:
    cut = ("model.tiles.split=8", "model.tiles.overlap=4", "model.tiles.skipped=2", "model.window.dmax=inf")
    tiled, whole = small(*cut, name="gsasr_tiled"), small("model.window.dmax=inf")
    whole.load_state_dict(tiled.state_dict())
    lr = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(tiled(lr).render(scale=2), whole(lr).render(scale=2))
    for size, scale in (((5, 3), 2), ((9, 21), 2.3), ((30, 13), 1.1), ((17, 17), 3.7)):
        lr = torch.rand(1, 3, *size)
        image = tiled(lr).render(scale=scale)
        assert image.shape == whole(lr).render(scale=scale).shape
        if min(size) >= 8:
            side = math.ceil(8 * scale)
            tile = Strip(Output((side, side), (scale, scale)), (8, 8), (0, side), origin=0)
            canvas = dataclasses.replace(whole(lr[..., :8, :8]), rounded=math.ceil)
            first = canvas.render_strip(tile)  # of which the tiles after it overwrite the end
            rows, columns = (side - math.ceil(4 * scale) + 2 if length > 8 else length for length in size)
            torch.testing.assert_close(image[..., :rows, :columns], first[..., :rows, :columns], atol=1e-4, rtol=0)


@pytest.mark.parametrize(("overlap", "scale"), [(0, 2), (1, 2), (4, 0.4)])
@torch.inference_mode()
def test_tiles_that_share_less_than_is_skipped_leave_nothing_undrawn(overlap: int, scale: float) -> None:
    cut = ("model.tiles.split=8", f"model.tiles.overlap={overlap}", "model.tiles.skipped=4")
    image = small(*cut, name="gsasr_tiled")(torch.rand(1, 3, 30, 30)).render(scale=scale)
    assert (image != 0).any(1).all()


@pytest.mark.parametrize("name", ["gsasr", "gsasr_enhanced"])
def test_a_saved_model_is_the_same_model(name: str, tmp_path: Path) -> None:
    config = settings_of(f"model={name}", *NARROW)["model"]
    model, lr = build(config).eval(), torch.rand(1, 3, 5, 7)
    save_model(model, config, tmp_path / "model.safetensors")
    with torch.inference_mode():
        assert torch.equal(splatsr.load(tmp_path / "model.safetensors")(lr).render(scale=2), model(lr).render(scale=2))


def test_folders_that_are_no_published_network_are_refused(tmp_path: Path) -> None:
    decoder = {"gs_embedding": torch.zeros(144, 180), "window_crossattn_blocks.0.blocks.0.norm1.weight": torch.zeros(180)}
    for encoder, params, message in (
        ({"conv_after_body.weight": torch.zeros(1)}, {"params": decoder}, r"no published GSASR .* 'injection': \[1\]"),
        (
            {"module.conv_after_body.weight": torch.zeros(1)},
            {"params": {f"module.{name}": tensor for name, tensor in decoder.items()}},
            r"encoder edsr-without-skip .* 'injection': \[1\]",
        ),
        ({"conv1.weight": torch.zeros(1)}, {"params": decoder}, "has the encoder None"),
        (
            {"conv_after_body.weight": torch.zeros(1)},
            {"params": 3},
            r"decoder\.pth holds no state dict, by itself or under params_ema",
        ),
        ({"conv_after_body.weight": torch.zeros(1)}, {"params": {}}, r"decoder\.pth holds no decoder of GSASR"),
        ({"conv_after_body.weight": 3}, {"params": decoder}, "is no tensor"),
    ):
        torch.save({"params": encoder}, tmp_path / "encoder.pth")
        torch.save(params, tmp_path / "decoder.pth")
        with pytest.raises(InputError, match=message):
            splatsr.load(tmp_path)


def test_a_file_whose_index_leaves_its_table_is_refused(tmp_path: Path) -> None:
    model = small()
    index = next(buffer for name, buffer in model.named_buffers() if name.endswith("relative_position_index"))
    index[0, 0] = 10**6
    path = tmp_path / "model.safetensors"
    save_model(model, settings_of("model=gsasr", *NARROW)["model"], path)
    with pytest.raises(InputError, match="relative_position_index must name rows 0 to 48 of its table"):
        splatsr.load(path)
