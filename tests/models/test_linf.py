from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate, pad

import splatsr
from flows import calm
from golden import read_golden
from published_family import image_and_golden, load_published, published_content
from splatsr.encoders.edsr import EDSR
from splatsr.encoders.rrdb import RRDB
from splatsr.geometry import Output, Strip, pixel_centres
from splatsr.image.continuous_image import LikelihoodImage
from splatsr.models.linf import LINF


def small(tile: int = 1, *, continued: bool = False, temperature: float = 0) -> LINF:
    encoder = EDSR(channels=8, blocks=1, upscale=1, out_channels=8, input_mean=0.0)
    model = LINF(
        encoder=encoder, waves=6, hidden=[16, 16], flow_layers=2, tile=tile, largest_scale=4, continued=continued,
        temperature=temperature, seed=3,
    )  # fmt: skip
    calm(model.flow)
    return model.eval()


def pixels_of(height: int, width: int) -> Tensor:
    return torch.cartesian_prod(torch.arange(height), torch.arange(width))


def by_definition(model: LINF, lr: Tensor, latents: Tensor, coordinates: Tensor, cell: Tensor) -> Tensor:
    """The conditioner and the inverse flow as the specification writes them: differences (B, Q, D)."""
    x = 2 * lr - 1
    features = model.encoder(x)
    b, _, h, w = features.shape
    sides = features.new_tensor([h, w])
    centres = pixel_centres(pixels_of(h, w), (h, w)).to(features).T.view(1, 2, h, w).expand(b, -1, -1, -1)
    parts, areas = [], []
    for corner in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        moved = (coordinates + features.new_tensor(corner) / sides + 1e-6).clamp(-1 + 1e-6, 1 - 1e-6).flip(-1)[:, None]
        coef, freq, p = (
            grid_sample(grid, moved, mode="nearest", align_corners=False)[:, :, 0].mT
            for grid in (model.coef(features), model.freq(features), centres)
        )
        rel = (coordinates - p) * sides
        half = freq.shape[-1] // 2
        g = freq[..., :half] * rel[..., :1] + freq[..., half:] * rel[..., 1:] + model.phase(cell * sides)[:, None]
        parts.append(coef * torch.cat([(torch.pi * g).cos(), (torch.pi * g).sin()], -1))
        areas.append((rel[..., 0] * rel[..., 1]).abs() + 1e-9)
    e = torch.cat([(areas[3 - k] / sum(areas))[..., None] * parts[k] for k in range(4)], -1)
    for index, layer in enumerate(model.layers):
        e = layer(e.mT[..., None])[..., 0].mT
        e = e.relu() if index < len(model.layers) - 1 else e
    flow, d = model.flow, latents.shape[-1]
    z = torch.linalg.solve(flow.last.weight, (latents - flow.last.bias).mT).mT
    for i in reversed(range(len(flow.linears))):
        s, t = e[..., 2 * d * i : 2 * d * i + d], e[..., 2 * d * i + d : 2 * d * (i + 1)]
        z = (z - t) / (torch.sigmoid(s + 2) + 1e-4)
        z = torch.linalg.solve(flow.linears[i].weight, (z - flow.linears[i].bias).mT).mT
    return z


@pytest.mark.parametrize("golden", ["linf", "linf-patch"])
@torch.inference_mode()
def test_a_published_file_gives_the_published_images_samples_and_densities(golden: str, tmp_path: Path) -> None:
    model = load_published(golden, golden, tmp_path)
    tensors, metadata = read_golden(golden)
    image, expected = image_and_golden(model, golden)
    torch.testing.assert_close(image, expected, atol=1e-4, rtol=0)
    size, grid = tuple(expected.shape[-2:]), metadata["query_grid"]
    made = model(tensors["input"] / 2 + 0.5)
    latents = (metadata["temperature"]["output_noise"] * tensors["noise"]).view(1, *grid, -1)
    torch.testing.assert_close(2 * made.render_latents(latents, size) - 1, tensors["output_noise"], atol=1e-4, rtol=0)
    if golden == "linf":
        density = made.log_likelihood(tensors["target"] / 2 + 0.5, pixels_of(*size)[None])
    else:
        centres = pixel_centres(3 * pixels_of(*grid) + 1, size)
        centres[(3 * pixels_of(*grid) + 1 >= torch.tensor(size)).any(-1)] = 0
        cell = torch.tensor([[2 / size[0], 2 / size[1]]])
        affine = made.condition(centres[None, tensors["query_index"]], cell)[0]
        torch.testing.assert_close(affine, tensors["affine"], atol=1e-4, rtol=1e-4)
        density = made.log_density(tensors["target"].flatten(2).mT, centres[None], cell)
    torch.testing.assert_close(density.view(1, *grid), tensors["log_p"], atol=1e-4, rtol=1e-5)


@torch.inference_mode()
def test_sides_that_leave_one_pixel_of_a_patch_end_as_published_or_continue(tmp_path: Path) -> None:
    model = load_published("linf-patch", "linf-patch", tmp_path)
    tensors = read_golden("linf-patch")[0]
    lr, expected = tensors["input"] / 2 + 0.5, tensors["output_mod1"]
    size = tuple(expected.shape[-2:])  # 46x73
    published = 2 * model(lr).render(size=size) - 1
    torch.testing.assert_close(published, expected, atol=1e-4, rtol=0)
    model.continue_images()
    continued = 2 * model(lr).render(size=size) - 1
    torch.testing.assert_close(continued[..., :-1, :-1], published[..., :-1, :-1])
    assert not torch.allclose(continued[..., -1, :], published[..., -1, :], atol=0.1)


def test_published_files_with_rrdb_are_read(tmp_path: Path) -> None:
    content = published_content("linf", "linf")
    narrow = {name: tensor for name, tensor in content["model"]["sd"].items() if not name.startswith("encoder.")}
    rrdb = RRDB(channels=64, growth=32, blocks=23, upscale=1, out_channels=64)
    encoder = {f"encoder.{name}": tensor for name, tensor in rrdb.state_dict().items()}
    unused = {f"encoder.{name}.bias": torch.zeros(64) for name in ("upconv1", "upconv2", "HRconv")}
    unused["encoder.conv_last.weight"] = torch.zeros(3, 64, 3, 3)
    arguments = {**content["model"]["args"], "encoder_spec": {"name": "rrdb", "args": {"no_upsampling": True}}}
    model_entry = {"name": "linf", "args": arguments, "sd": {**narrow, **encoder, **unused}}
    torch.save({"model": model_entry}, tmp_path / "rrdb.pth")
    loaded = splatsr.load(tmp_path / "rrdb.pth")
    lr = torch.rand(1, 3, 5, 6)
    torch.testing.assert_close(loaded.encoder(lr), rrdb(lr))


@pytest.mark.parametrize("tile", [1, 3])
def test_it_is_its_definition(tile: int) -> None:
    model = small(tile).double()
    lr, cell = torch.rand(2, 3, 5, 7, dtype=torch.float64), torch.tensor([[0.2, 0.3], [0.3, 0.15]]).double()
    coordinates, latents = torch.rand(2, 30, 2).double() * 2 - 1, torch.randn(2, 30, 3 * tile**2).double()
    theirs = by_definition(model, lr, latents, coordinates, cell)
    ours = model.flow.inverse(latents, model(lr).condition(coordinates, cell))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    parameters, upstream = list(model.parameters()), torch.randn_like(ours)
    for one, other in zip(*(torch.autograd.grad(made, parameters, upstream) for made in (ours, theirs)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("tile", [1, 3])
@torch.inference_mode()
def test_samples_are_those_of_the_seed_in_whatever_pieces(tile: int) -> None:
    lr = torch.rand(2, 3, 5, 7)
    image = small(tile, temperature=0.7)(lr)
    whole = image.render(size=(16, 23))
    assert torch.equal(whole, image.render(size=(16, 23)))
    strip = Strip(Output((16, 23), (16 / 5, 23 / 7)), (5, 7), rows=(4, 11), origin=0)
    torch.testing.assert_close(image.render_strip(strip), whole[:, :, 4:11], atol=1e-5, rtol=1e-5)
    centres = pixel_centres(pixels_of(16, 23), (16, 23)).expand(2, -1, -1)
    queried = image.query(centres, torch.tensor([[2 / 16, 2 / 23]] * 2))
    torch.testing.assert_close(queried.mT.view(2, 3, 16, 23), whole, atol=1e-5, rtol=1e-5)
    others = [image.sample(temperature=0.7, seed=4), image.sample(temperature=0.3, seed=3), image.sample(temperature=0, seed=3)]
    assert all(not torch.allclose(one.render(size=(16, 23)), whole, atol=1e-3) for one in others)
    torch.testing.assert_close(others[2].render(size=(16, 23)), image.sample(temperature=0, seed=99).render(size=(16, 23)))


def test_samples_have_the_density_that_they_are_said_to_have() -> None:
    """That of their latents, over the volume that the flow makes of theirs."""
    image = small(3)(torch.rand(1, 3, 5, 7))
    latents = torch.randn(1, 4, 5, 27)
    made = image.render_latents(latents, (12, 15)).detach()
    density = image.log_likelihood(made, 3 * pixels_of(4, 5)[None] + 1)
    centres = pixel_centres(3 * pixels_of(4, 5) + 1, (12, 15))[None]
    conditions = image.condition(centres, torch.tensor([[2 / 12, 2 / 15]]))
    jacobians = [
        torch.autograd.functional.jacobian(lambda z, c=one: image.flow.inverse(z, c), z)
        for z, one in zip(latents.flatten(0, 2), conditions[0].detach(), strict=True)
    ]
    normal = -0.5 * (latents.flatten(1, 2).square() + torch.tensor(2 * torch.pi).log()).sum(-1)
    expected = normal - torch.stack([torch.linalg.slogdet(one).logabsdet for one in jacobians])
    torch.testing.assert_close(density, expected, atol=1e-2, rtol=1e-3)


@torch.inference_mode()
def test_what_is_compared_is_the_difference_from_the_bilinear_image_with_nothing_beyond_the_border() -> None:
    image, hr = small(3)(torch.rand(2, 3, 5, 7)), [torch.rand(3, 11, 9), torch.rand(3, 13, 20)]
    pixels = torch.tensor([[[0, 0], [10, 8], [4, 5]], [[12, 19], [0, 3], [6, 6]]])
    found = image.log_likelihood(hr, pixels)
    assert isinstance(image, LikelihoodImage)
    for index, picture in enumerate(hr):
        size = tuple(picture.shape[-2:])
        enlarged = interpolate(image.lr[index : index + 1], size=size, mode="bilinear", align_corners=False)[0]
        residual = pad(2 * (picture - enlarged), (1, 1, 1, 1))
        vectors = torch.stack([residual[:, y : y + 3, x : x + 3].flatten() for y, x in pixels[index].tolist()])
        coordinates = pixel_centres(pixels, size)
        density = image.log_density(vectors.expand(2, -1, -1), coordinates, torch.tensor([[2 / size[0], 2 / size[1]]] * 2))
        torch.testing.assert_close(found[index], density[index], atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_cells_are_clipped_at_the_largest_scale() -> None:
    image, point = small()(torch.rand(1, 3, 5, 7)), torch.tensor([[[0.3, -0.2]]])
    at = [image.query(point, torch.tensor([[2 / (5 * scale), 2 / (7 * scale)]])) for scale in (3, 4, 30)]
    torch.testing.assert_close(at[1], at[2])
    assert not torch.allclose(at[0], at[1], atol=1e-5)
