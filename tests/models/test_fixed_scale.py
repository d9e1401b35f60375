from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, pixel_shuffle

import splatsr
from composed import settings_of
from golden import golden_weights, read_golden
from splatsr.checkpoints.build import build
from splatsr.encoders.edsr import EDSR
from splatsr.errors import InputError
from splatsr.models.fixed_scale import FixedScale

MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).view(3, 1, 1)


def tail(scale: int, channels: int = 64) -> list[tuple[Tensor, Tensor]]:
    """(weight, bias) of the convolutions before the shuffles, and of the last one."""
    factors = {2: [2], 3: [3], 4: [2, 2]}[scale]
    shapes = [(channels * factor**2, channels) for factor in factors] + [(3, channels)]
    return [(torch.randn(out, inputs, 3, 3) / (9 * inputs) ** 0.5, torch.randn(out)) for out, inputs in shapes]


def through_tail(x: Tensor, layers: list[tuple[Tensor, Tensor]], scale: int) -> Tensor:
    for weight, bias in layers[:-1]:
        x = pixel_shuffle(conv2d(x, weight, bias, padding=1), 3 if scale == 3 else 2)
    return conv2d(x, *layers[-1], padding=1)


def saved(folder: Path, content: object) -> Path:
    torch.save(content, folder / "file.pth")
    return folder / "file.pth"


def edsr_state(scale: int) -> tuple[dict[str, Tensor], list[tuple[Tensor, Tensor]]]:
    """EDSR's authors' file, and its tail: the golden encoder's weights, and their shift of levels 0 to 255."""
    state, layers = golden_weights(read_golden("edsr-baseline")[1]), tail(scale)
    state["sub_mean.bias"], state["add_mean.bias"] = -255 * MEAN.flatten(), 255 * MEAN.flatten()
    for index, (weight, bias) in enumerate(layers[:-1]):
        state |= {f"tail.0.{2 * index}.weight": weight, f"tail.0.{2 * index}.bias": bias}
    return state | {"tail.1.weight": layers[-1][0], "tail.1.bias": layers[-1][1]}, layers


@pytest.mark.parametrize("scale", [2, 3, 4])
@torch.inference_mode()
def test_edsrs_own_files_are_networks_of_levels(scale: int, tmp_path: Path) -> None:
    state, layers = edsr_state(scale)
    model = splatsr.load(saved(tmp_path, state))
    encoder = EDSR(channels=64, blocks=16, upscale=1, out_channels=64, input_mean=0.0)
    encoder.load_state_dict({name: one for name, one in state.items() if not name.startswith(("sub", "add", "tail"))})
    lr = torch.rand(1, 3, 5, 7)
    expected = through_tail(encoder(255 * (lr - MEAN)), layers, scale) / 255 + MEAN
    torch.testing.assert_close(model(lr).render(scale=scale), expected, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_basicsrs_names_are_the_same_network(tmp_path: Path) -> None:
    state, _ = edsr_state(4)
    theirs = {"head.0": "conv_first", "body.16": "conv_after_body", "tail.0.0": "upsample.0", "tail.0.2": "upsample.2",
              "tail.1": "conv_last"}  # fmt: skip
    theirs |= {f"body.{i}.body.{j}": f"body.{i}.conv{k}" for i in range(16) for j, k in ((0, 1), (2, 2))}
    renamed = {f"{theirs[base]}.{end}": one for name, one in state.items() if (base := name.rpartition(".")[0]) in theirs
               for end in [name.rpartition(".")[2]]}  # fmt: skip
    lr = torch.rand(1, 3, 5, 7)
    images = [splatsr.load(saved(tmp_path, content))(lr).render(scale=4) for content in (state, {"params": renamed})]
    torch.testing.assert_close(*images)


def test_a_wider_edsr_is_refused(tmp_path: Path) -> None:
    state = {name: one.repeat_interleave(4, 0) for name, one in edsr_state(2)[0].items()}
    with pytest.raises(InputError, match="baseline of 64 channels is known; this one has 256"):
        splatsr.load(saved(tmp_path, state))


@pytest.mark.parametrize("scale", [2, 4])
@torch.inference_mode()
def test_rdns_files_are_read(scale: int, tmp_path: Path) -> None:
    model = build(narrow("model/encoder=rdn", "model.encoder.growth=5", "model.encoder.layers=2", scale=scale)).eval()
    last = 2 * (2 if scale == 4 else 1)
    names = {"to_rgb.": f"UPNet.{last}.", "encoder.": ""}
    state = {new + name.removeprefix(old): one for name, one in model.state_dict().items() for old, new in names.items()
             if name.startswith(old)}  # fmt: skip
    loaded, lr = splatsr.load(saved(tmp_path, state)), torch.rand(1, 3, 5, 7)
    features = model.encoder(255 * lr)
    torch.testing.assert_close(loaded(lr).render(scale=scale), model.to_rgb(features) / 255, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("scale", [2, 3])
@torch.inference_mode()
def test_swinirs_files_are_read_and_sizes_mirrored_before_the_last_convolution(scale: int, tmp_path: Path) -> None:
    few = ("model.encoder.depths=[2,2]", "model.encoder.heads=[2,4]", "model.encoder.window=4", "model.encoder.mlp_ratio=1.5")
    model = build(narrow("model/encoder=swinir", *few, scale=scale, blocks=False)).eval()
    state = {name.removeprefix("encoder.").replace("to_rgb.", "conv_last."): one for name, one in model.state_dict().items()}
    state["layers.0.residual_group.blocks.1.attn_mask"] = torch.zeros(4, 16, 16)
    loaded, lr = splatsr.load(saved(tmp_path, {"params": state})), torch.rand(1, 3, 6, 9)
    assert settings(loaded) == settings(model)
    whole = nn.functional.pad(lr - MEAN, (0, 3, 0, 2), mode="reflect")
    expected = (model.to_rgb(model.encoder(whole)) + MEAN)[..., : 6 * scale, : 9 * scale]
    torch.testing.assert_close(loaded(lr).render(scale=scale), expected, atol=1e-5, rtol=0)
    with pytest.raises(InputError, match="this is HAT"):
        splatsr.load(saved(tmp_path, {"params": {**state, "layers.0.residual_group.overlap_attn.norm1.bias": torch.zeros(8)}}))


def settings(model: FixedScale) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, tuple(one.shape)) for name, one in model.state_dict().items()]


def narrow(*overrides: str, scale: int, blocks: bool = True) -> dict:
    few = ("model.encoder.channels=8", "model.encoder.out_channels=8", f"model.encoder.upscale={scale}")
    return settings_of("model=fixed_scale", *overrides, *few, *(("model.encoder.blocks=1",) if blocks else ()))["model"]


@torch.inference_mode()
def test_at_other_scales_the_nearest_pixel_is_taken() -> None:
    model, lr = build(narrow(scale=3)).eval(), torch.rand(2, 3, 5, 7)
    image = model(lr)
    own = image.render(scale=3)
    assert own.shape == (2, 3, 15, 21)
    torch.testing.assert_close(image.render(scale=6), interpolate(own, scale_factor=2, mode="nearest-exact"))
    torch.testing.assert_close(image.render(scale=1), own[..., 1::3, 1::3])
    assert model.rendering.startswith("made at x3;")
