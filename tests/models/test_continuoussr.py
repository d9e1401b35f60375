import dataclasses
import math
from functools import partial

import pytest
import torch
from torch import Tensor

from composed import settings_of
from published import IMAGES, assert_image_equal, assert_kernels_equal, published_network
from splatsr.checkpoints.build import build
from splatsr.encoders.edsr import EDSR
from splatsr.errors import InputError
from splatsr.geometry import cell_corners
from splatsr.heads import ddcw, mlp
from splatsr.heads.apd import APD
from splatsr.heads.cgm import CGM
from splatsr.heads.ddcw import DDCW
from splatsr.heads.dictionary import published_dictionary
from splatsr.heads.initialisation import blurred_lr, published
from splatsr.image.border import continued
from splatsr.models.continuoussr import ContinuousSR

NARROW = ["model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8"]


def small(*, kernels_per_pixel: int = 4, upscale: int = 2, skip: bool = True, initialisation=blurred_lr) -> ContinuousSR:
    return ContinuousSR(
        encoder=EDSR(channels=8, blocks=1, upscale=upscale, out_channels=8, input_mean=0.45),
        shapes=partial(DDCW, dictionary=published_dictionary(), embedding=8, embedding_hidden=[8]),
        positions=partial(APD, hidden=[8], offset_range=1.0),
        colors=partial(CGM, hidden=[8, 8], skip=skip, skip_rule="bilinear", grey=None),
        kernels_per_pixel=kernels_per_pixel,
        flat_pixels=None,
        reference_scale=4.0,
        margin=0,
        initialisation=initialisation,
    ).eval()


def tiny(*overrides: str) -> ContinuousSR:
    return build(settings_of("model=continuoussr_tiny", *NARROW, *overrides)["model"])


@pytest.fixture(scope="module")
def golden() -> tuple[ContinuousSR, dict[str, Tensor], dict]:
    return published_network("continuoussr-edsr")


@torch.inference_mode()
def test_kernel_parameters_equal_the_published_network(golden: tuple[ContinuousSR, dict[str, Tensor], dict]) -> None:
    model, tensors, _ = golden
    assert_kernels_equal(model(tensors["input"]), tensors)


@pytest.mark.parametrize(("name", "mode"), IMAGES)
@torch.inference_mode()
def test_images_equal_the_published_network(golden: tuple[ContinuousSR, dict[str, Tensor], dict], name: str, mode: str) -> None:
    model, tensors, metadata = golden
    assert_image_equal(model(tensors["input"]), tensors, metadata, name=name, mode=mode)


@pytest.mark.parametrize("name", ["output", "output_aniso", "output_low"])
@torch.inference_mode()
def test_exact_adds_only_the_tails_that_published_tiles_drop(
    golden: tuple[ContinuousSR, dict[str, Tensor], dict], name: str
) -> None:
    model, tensors, metadata = golden
    field = model(tensors["input"])
    scale = metadata["scale"][name]
    exact = field.render(scale=scale, mode="exact")
    error = (exact - tensors[name]).abs()
    dropped = (exact - field.render(scale=scale, mode="tiles")).abs()
    assert error.max() < 1e-3
    assert (error < 1e-5).double().mean() >= 0.995
    unexplained = (error > 1e-5) & (dropped <= 9e-6)  # rounding, which processors differ in, moves a kernel across the cut
    assert unexplained.double().mean() < 1e-3, "where exact differs, a tail is missing in the published image"


@torch.inference_mode()
def test_a_batch_gives_what_its_images_give_alone(golden: tuple[ContinuousSR, dict[str, Tensor], dict]) -> None:
    model, tensors, _ = golden
    pair = torch.cat([tensors["input"], tensors["input"].flip(-1)])
    together = model(pair)
    for index in range(2):
        alone = model(pair[index : index + 1])
        torch.testing.assert_close(together.means[index], alone.means[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(together.cholesky[index], alone.cholesky[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(together.colors[index], alone.colors[0], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_a_large_image_in_chunks_is_the_image_at_once(
    golden: tuple[ContinuousSR, dict[str, Tensor], dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, tensors, _ = golden
    pair = torch.cat([tensors["input"], tensors["input"].flip(-1)])
    whole = model(pair)
    monkeypatch.setitem(ddcw.CHUNK, "cpu", 100)
    monkeypatch.setattr(mlp, "CHUNK", 100)
    for part in ("means", "cholesky", "colors"):
        torch.testing.assert_close(getattr(model(pair), part), getattr(whole, part), atol=1e-5, rtol=0)


def test_training_and_inference_see_the_same_network(golden: tuple[ContinuousSR, dict[str, Tensor], dict]) -> None:
    model, tensors, _ = golden
    trained = model(tensors["input"])
    with torch.no_grad():  # channels last, remembered keys
        measured = model(tensors["input"])
    for part in ("means", "cholesky", "colors"):
        torch.testing.assert_close(getattr(trained, part), getattr(measured, part), atol=1e-5, rtol=0)


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize(("kernels_per_pixel", "upscale"), [(1, 2), (4, 2), (4, 4), (9, 6)])
@torch.inference_mode()
def test_random_weights_render_the_lr_image_blurred(kernels_per_pixel: int, upscale: int, skip: bool) -> None:
    model = small(kernels_per_pixel=kernels_per_pixel, upscale=upscale, skip=skip)
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(16.0), indexing="ij")
    lr = torch.stack([0.5 + 0.4 * torch.sin(x / 5), 0.5 + 0.4 * torch.cos(y / 4), 0.3 + 0 * x])[None]
    field = model(lr)
    assert len(field) == kernels_per_pixel * 12 * 16
    inner = field.render(scale=8)[0, :, 16:-16, 16:-16]
    target = torch.nn.functional.interpolate(lr, scale_factor=8, mode="bilinear", align_corners=False)[0, :, 16:-16, 16:-16]
    ripple = 0.05 if kernels_per_pixel > 1 else 0.2  # one kernel per pixel is a coarse lattice
    assert (inner - target).abs().mean() < ripple
    assert (inner.mean((1, 2)) - target.mean((1, 2))).abs().max() < 0.02, "brightness is that of the LR image"


@pytest.mark.parametrize("initialisation", [blurred_lr, published])
def test_every_weight_that_is_used_gets_a_gradient(initialisation) -> None:  # noqa: ANN001
    model = small(initialisation=initialisation).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):  # zero-initialised last layers open the way for the others step by step
        optimizer.zero_grad()
        (model(torch.rand(2, 3, 6, 7)).render(scale=2.5) - 0.3).square().mean().backward()
        optimizer.step()
    silent = [name for name, parameter in model.named_parameters() if not parameter.grad.abs().max() > 0]
    assert not silent


def test_kernels_stay_within_the_offset_range() -> None:
    model = small()
    torch.nn.init.constant_(model.apd.mlp[-1].bias, 99.0)
    means = model(torch.rand(1, 3, 4, 5)).means[0]
    torch.testing.assert_close(means[0], torch.tensor([1.0, 1.0]))
    torch.testing.assert_close(means[-1], torch.tensor([4.5 + 1, 3.5 + 1]))


@torch.inference_mode()
def test_the_dc_gain_is_what_a_constant_field_sums_to() -> None:
    model = small()
    assert math.isclose(model.dc_gain, 1.877, abs_tol=1e-3)
    field = model(torch.rand(1, 3, 8, 8))  # every kernel has the mean row, at the centre of its cell
    ones = dataclasses.replace(field, colors=torch.ones_like(field.colors)).render(scale=8)
    assert math.isclose(ones[..., 16:-16, 16:-16].mean().item(), model.dc_gain, rel_tol=0.01)


@pytest.mark.parametrize(("kernels_per_pixel", "upscale", "message"), [(5, 2, "square number"), (9, 4, "multiple of 3")])
def test_impossible_densities_are_refused(kernels_per_pixel: int, upscale: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(kernels_per_pixel=kernels_per_pixel, upscale=upscale)


@pytest.mark.parametrize(
    ("override", "shapes", "positions"),
    [("model/shapes=regressed_tiny", "RegressedShapes", "APD"), ("model/positions=anchors", "DDCW", "Anchors"),
     ("model/positions=free_tiny", "DDCW", "FreePositions")],
)  # fmt: skip
@pytest.mark.parametrize("initialisation", ["published", "blurred_lr"])
def test_an_ablated_model_trains_every_weight(override: str, shapes: str, positions: str, initialisation: str) -> None:
    model = tiny(override, f"model/initialisation={initialisation}").train()
    assert (type(model.ddcw).__name__, type(model.apd).__name__) == (shapes, positions)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)  # plain steps explode where all kernels meet
    for _ in range(3):
        optimizer.zero_grad()
        (model(torch.rand(2, 3, 6, 7)).render(scale=2.5) - 0.3).square().mean().backward()
        optimizer.step()
    assert not [name for name, weight in model.named_parameters() if not weight.grad.abs().max() > 0]


def test_only_limited_kernels_are_tiled() -> None:
    assert tiny("model/shapes=regressed_tiny").tiling is None
    assert tiny("model/positions=free_tiny").tiling is None
    assert tiny("model/positions=anchors").tiling.support == pytest.approx(tiny().tiling.support - 1)


@pytest.mark.parametrize(
    "changes",
    [
        [],
        ["model.colors.skip=false"],
        ["model.colors.skip_rule=bicubic"],
        ["model.kernels_per_pixel=1"],
        ["model.colors.grey.reach=5"],
    ],
)
@torch.inference_mode()
def test_a_part_is_cropped_from_the_whole(changes: list[str]) -> None:
    model = tiny(*changes, "model.margin=0").eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    lr = torch.rand(2, 3, 9, 11)
    for rows, columns in [((0, 9), (0, 11)), ((0, 4), (3, 11)), ((4, 5), (1, 2)), ((8, 9), (0, 1))]:
        expected, part = model(lr).crop(rows=rows, columns=columns), model.part(lr, rows=rows, columns=columns)
        assert part.size == expected.size
        for name in ("means", "cholesky", "colors"):
            torch.testing.assert_close(getattr(part, name), getattr(expected, name), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_the_margin_is_what_a_mirrored_image_has_around_the_image() -> None:
    model, lr = tiny("model.margin=2").eval(), torch.rand(2, 3, 5, 7)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    field = model(lr)
    assert (field.size, field.margin, len(field)) == ((5, 7), 2, 4 * 9 * 11)
    model.margin = 0
    wider = model(continued(lr, 2))
    torch.testing.assert_close(field.means, wider.means - 2)
    torch.testing.assert_close(field.render(size=(15, 21)), wider.render(size=(27, 33))[..., 6:-6, 6:-6], atol=1e-4, rtol=0)
    inner = field.crop(rows=(1, 4), columns=(0, 7))
    assert (inner.size, inner.margin, len(inner)) == ((3, 7), 0, 4 * 3 * 7)
    torch.testing.assert_close(inner.colors, wider.crop(rows=(3, 6), columns=(2, 9)).colors)
    assert len(model.train()(lr)) == 4 * 5 * 7, "a crop's edge is no border"


@pytest.mark.parametrize("scale", [1.3, 2, 4, 6.1])
@torch.inference_mode()
def test_a_white_page_is_white_up_to_its_corners(scale: float) -> None:
    model = tiny().eval()  # its first weights blur the LR image
    page = torch.ones(1, 3, 9, 12)
    image = model(page).render(scale=scale)
    assert (image - image[..., image.shape[-2] // 2, image.shape[-1] // 2].mean()).abs().max() < 0.02
    model.margin = 0
    assert model(page).render(scale=scale)[..., 0, 0].max() < 0.8
    model.continue_images()
    assert torch.equal(model(page).render(scale=scale), image)


def with_flat_pixels() -> ContinuousSR:
    model = tiny("model/flat_pixels=merged", "model.margin=0").eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return model


def half_flat() -> Tensor:
    lr = torch.rand(2, 3, 9, 14)
    lr[..., 5:] = 0.4
    return lr


@torch.inference_mode()
def test_in_flat_surroundings_one_wide_kernel_stands_for_the_pixel_and_elsewhere_nothing_changes() -> None:
    model, lr = with_flat_pixels(), half_flat()
    merged, field = model.flat_pixels.merged(lr, 2, model.deviation), model(lr)
    model.flat_pixels = None
    plain = model(lr)
    assert merged.wide.view(2, 9, 2, 14, 2)[:, :, :, 7:].sum() == 2 * 9 * 7, "the flat surroundings begin in column 7"
    assert merged.wide.sum() == 2 * 9 * 7
    assert torch.equal((field.cholesky == 0).all(-1), merged.empty)
    torch.testing.assert_close(field.colors, plain.colors * merged.share[..., None])
    others = ~merged.empty & ~merged.wide
    for name in ("means", "cholesky"):
        torch.testing.assert_close(getattr(field, name)[others], getattr(plain, name)[others])
    torch.testing.assert_close(field.cholesky[merged.wide], 2 * plain.cholesky[merged.wide])
    corners = cell_corners(9, 14, 2).expand(2, -1, -1)[merged.wide]
    torch.testing.assert_close(field.means[merged.wide] - corners.floor(), 2 * (plain.means[merged.wide] - corners))
    far = merged.share.view(2, 9, 2, 14, 2)[:, :, :, :5]
    assert (far == 1).all()
    assert merged.empty.any()


def test_the_first_image_of_a_flat_one_stays_flat() -> None:
    model = tiny("model/flat_pixels=merged").eval()
    with torch.inference_mode():
        image = model(torch.full((1, 3, 12, 12), 0.6)).render(scale=5)
    assert (image - 0.6).abs().max() < 0.02  # the ripple of kernels, as with four of them


def test_kernels_that_are_left_out_cost_their_heads_nothing_and_get_no_gradient() -> None:
    model, lr = with_flat_pixels().train(), half_flat()
    sizes = []
    model.cgm.mlp.register_forward_hook(lambda *call: sizes.append(call[1][0].shape))
    model(lr).render(scale=2).square().mean().backward()
    made = ~model.flat_pixels.merged(lr, 2, model.deviation).empty
    assert [size[:2] for size in sizes] == [(1, int(made.sum()))]
    assert made.sum() < 0.9 * made.numel()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


@torch.inference_mode()
def test_parts_have_the_wide_kernels_of_the_whole() -> None:
    model, lr = with_flat_pixels(), half_flat()
    for rows, columns in [((0, 4), (3, 11)), ((4, 5), (6, 9)), ((8, 9), (0, 8))]:
        expected, part = model(lr).crop(rows=rows, columns=columns), model.part(lr, rows=rows, columns=columns)
        for name in ("means", "cholesky", "colors"):
            torch.testing.assert_close(getattr(part, name), getattr(expected, name), atol=1e-5, rtol=0)
    assert model.tiling.support == pytest.approx(2 * tiny().tiling.support)


def test_one_kernel_a_pixel_leaves_nothing_to_merge() -> None:
    with pytest.raises(InputError, match="kernels_per_pixel is 1"):
        tiny("model/flat_pixels=merged", "model.kernels_per_pixel=1")


@pytest.mark.parametrize("scale", [0.7, 2.5])
@torch.inference_mode()
def test_a_grey_picture_stays_grey_exactly(scale: float) -> None:
    model, lr = tiny().eval(), torch.rand(1, 1, 9, 12).expand(1, 3, 9, 12)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    image = model(lr).render(scale=scale)
    assert torch.equal(image, image[:, :1].expand_as(image))
    assert image.std() > 0.01
    model.cgm.grey = None
    assert not torch.equal(model(lr).render(scale=scale)[:, 0], image[:, 0])
