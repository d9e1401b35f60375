from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import splatsr
from splatsr import InputError
from splatsr.models.bicubic import Bicubic

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def model() -> Any:
    return splatsr.load("tiny")


def pixels(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    if dtype in (np.float32, np.float64, np.float16):
        return RANDOM.random(shape).astype(dtype)
    return RANDOM.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(9, 12), (9, 12, 1), (9, 12, 2), (9, 12, 3), (9, 12, 4)])
def test_an_array_comes_back_as_it_went_in(model: Any, dtype: type, shape: tuple[int, ...]) -> None:
    made = splatsr.upscale(pixels(*shape, dtype=dtype), scale=2.5, model=model)
    assert (made.dtype, made.shape) == (dtype, (22, 30, *shape[2:]))
    if np.dtype(dtype).kind == "f":
        assert 0 <= made.min() <= made.max() <= 1


@pytest.mark.parametrize("shape", [(3, 9, 12), (1, 9, 12), (2, 3, 9, 12), (2, 4, 9, 12)])
def test_a_tensor_comes_back_as_it_went_in(model: Any, shape: tuple[int, ...]) -> None:
    for tensor in (torch.rand(shape, requires_grad=True), torch.randint(0, 256, shape, dtype=torch.uint8)):
        made = splatsr.upscale(tensor, size=(20, 30), model=model)
        assert (made.dtype, made.shape, made.requires_grad) == (tensor.dtype, (*shape[:-2], 20, 30), False)


def test_values_are_the_fields_clamped(model: Any) -> None:
    lr = torch.rand(1, 3, 9, 12)
    with torch.inference_mode():
        expected = model(lr).render(scale=3.3).clamp(0, 1)
    torch.testing.assert_close(splatsr.upscale(lr, scale=3.3, model=model), expected, atol=1e-5, rtol=0)
    levels = splatsr.upscale((lr[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8), scale=3.3, model=model)
    assert np.abs(levels / 255 - expected[0].permute(1, 2, 0).numpy()).max() < 0.02


@pytest.mark.parametrize(
    ("mode", "result"), [("RGB", "RGB"), ("L", "L"), ("LA", "LA"), ("RGBA", "RGBA"), ("P", "RGB"), ("CMYK", "RGB"), ("1", "L")]
)
def test_a_pillow_image_comes_back_as_one(model: Any, mode: str, result: str) -> None:
    image = Image.fromarray(pixels(9, 12, 3)).convert(mode)
    made = splatsr.upscale(image, fit=(100, 24), model=model)
    assert (made.mode, made.size) == (result, (24, 18))


def test_a_path_gives_a_pillow_image(model: Any, tmp_path: Path) -> None:
    Image.fromarray(pixels(9, 12, dtype=np.uint16)).save(tmp_path / "grey.png", icc_profile=None)
    made = splatsr.upscale(tmp_path / "grey.png", scale=2, model=model)
    assert made.mode == "I;16"
    assert np.asarray(made).shape == (18, 24)


def test_a_profile_goes_along(model: Any) -> None:
    image = Image.fromarray(pixels(9, 12, 3))
    image.info["icc_profile"] = b"profile"
    assert splatsr.upscale(image, scale=2, model=model).info["icc_profile"] == b"profile"


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((3, 9, 12), np.uint8), "1 to 4 channels"),
        (np.zeros((9,), np.uint8), r"\(h, w\)"),
        (np.zeros((9, 12), np.int64), "uint8, uint16"),
        (np.full((9, 12), 200.0), "must be in .0, 1.; got 200 to 200; levels from 0 to 255 go in as uint8"),
        (np.full((9, 12), np.nan), "must be in"),
        (torch.zeros(9, 12), "channels, h, w"),
        (torch.zeros(1, 9, 12, dtype=torch.int64), "uint8, uint16"),
        (3, "got int"),
        ("absent.png", "no such file"),
    ],
)
def test_what_is_no_image_is_refused(model: Any, image: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        splatsr.upscale(image, scale=2, model=model)


def test_sizes_models_and_modes_are_checked() -> None:
    with pytest.raises(InputError, match="give either size or scale"):
        splatsr.upscale(pixels(9, 12))
    with pytest.raises(InputError, match="scale must be greater than 0"):
        splatsr.upscale(pixels(9, 12), scale=-1)
    with pytest.raises(InputError, match="tniy"):
        splatsr.upscale(pixels(9, 12), scale=2, model="tniy")
    with pytest.raises(InputError, match="training mode"):
        splatsr.upscale(pixels(9, 12), scale=2, model=Bicubic().train())
