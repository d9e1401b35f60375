"""`splatsr.upscale`: an image of any kind in, the same kind out, enlarged."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from splatsr.checkpoints.choice import choose_device, choose_precision
from splatsr.checkpoints.files import load_model
from splatsr.errors import InputError
from splatsr.geometry import Scale, resolve_output
from splatsr.image.model import Model
from splatsr.image_files.picture import read_picture
from splatsr.image_files.rgb import rgb_of
from splatsr.image_files.samples import GREY, RGB, eight_bits, samples_of
from splatsr.large_images.renderer import Renderer
from splatsr.large_images.with_alpha import enlarged_strips

_NEARLY = 1e-3
"""By so much values with fractions may lie outside [0, 1]: resizing does that to them."""


def upscale(
    image: Any,
    *,
    scale: Scale | None = None,
    size: Sequence[int | None] | None = None,
    fit: Sequence[int] | None = None,
    model: str | Path | Model = "tiny",
    tile: int | str = "auto",
    device: str = "auto",
    precision: str = "auto",
) -> Any:
    """Enlarges an image by any factor, or to any size.

    Exactly one of scale, size and fit is given; (vertical, horizontal) where it is a pair.

    Args:
        image: a file's path or a Pillow image (a Pillow image comes back, of 16-bit colors with 8 bits), an array (h, w) or
            (h, w, channels), or a tensor (channels, h, w) or (batch, channels, h, w); 1 channel is grey, 2 grey with alpha, 3
            RGB, 4 RGB with straight alpha. Whole numbers of 8 or 16 bits over their whole range, or numbers with fractions in
            [0, 1]; what comes back is of the same kind and type, a tensor on the same device.
        scale: a factor, or two.
        size: in pixels; one of the two may be None and follows from the image's proportions.
        fit: in pixels; the result is the largest in the image's proportions within it.
        model: a name that `splatsr models` lists, a file, hf:owner/name, or a model, which continues images beyond their
            border as its `margin` says.
        tile: side of the tiles that are encoded one by one, in pixels of the image; auto: what fits in memory.
        device: auto, cpu or cuda, where the model runs; a model that is given stays where it is.
        precision: what its networks compute in: float32, bf16, fp16 (GPUs), or auto: bf16 where the device has it, the image
            is large and a crop shows that no level moves by more than 1; a model that is given keeps its own.

    Returns:
        The enlarged image, clamped to the range of its type; no gradients.

    Raises:
        InputError: the image is none of the above, the size is impossible, or there is no such model.
    """
    resolve_output((10**6, 10**6), size=size, scale=scale, fit=fit)
    enlarge = _Enlarger(model, tile, device, precision, {"size": size, "scale": scale, "fit": fit})
    if isinstance(image, str | Path):
        picture = read_picture(image)
        return _to_pillow(enlarge(picture.colors, picture.alpha), picture.extras.icc_profile)
    if isinstance(image, Image.Image):
        return _upscale_pillow(image, enlarge)
    if isinstance(image, np.ndarray):
        return _upscale_array(image, enlarge)
    if isinstance(image, Tensor):
        return _upscale_tensor(image, enlarge)
    raise InputError(f"an image is a path, a Pillow image, an array or a tensor; got {type(image).__name__}.")


class _Enlarger:
    """Colors and alpha to the enlarged image, rows of pixels; the model is loaded when it is called."""

    def __init__(self, model: str | Path | Model, tile: int | str, device: str, precision: str, wanted: dict[str, Any]) -> None:
        self.model, self.tile, self.device, self.precision, self.wanted = model, tile, device, precision, wanted

    @cached_property
    def renderer(self) -> Renderer:
        """One for all images of a batch: it measures what memory the model takes."""
        if isinstance(self.model, Model):
            if self.model.training:
                raise InputError("the model is in training mode; call model.eval() first.")
            return Renderer(self.model, self.tile)
        device = choose_device(self.device)
        model = _of_file(self.model, str(device))
        model.precision = choose_precision(self.precision, device)
        return Renderer(model, self.tile, automatic=self.precision == "auto")

    def __call__(self, colors: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
        output = resolve_output(colors.shape[:2], **self.wanted)
        return np.concatenate(list(enlarged_strips(self.renderer, colors, alpha, output, lambda _: None)))


@lru_cache(maxsize=2)
def _of_file(model: str | Path, device: str) -> Model:
    """Kept, so that the next image needs not load it again."""
    loaded = load_model(model).to(device)
    loaded.continue_images()
    return loaded


def _upscale_pillow(image: Image.Image, enlarge: _Enlarger) -> Image.Image:
    samples, profile = samples_of(image, "the image"), image.info.get("icc_profile")
    if samples.space in (GREY, RGB):
        return _to_pillow(enlarge(samples.values, samples.alpha), profile)
    return _to_pillow(enlarge(rgb_of(samples, profile, Path("the image")), None), None)


def _to_pillow(pixels: np.ndarray, profile: bytes | None) -> Image.Image:
    if pixels.dtype == np.uint16 and pixels.shape[2] > 1:  # Pillow knows 16 bits of grey alone
        pixels = eight_bits(pixels)
    made = Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[..., 0])
    if profile is not None:
        made.info["icc_profile"] = profile
    return made


def _upscale_array(array: np.ndarray, enlarge: _Enlarger) -> np.ndarray:
    pixels = array[..., None] if array.ndim == 2 else array
    if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4 or min(pixels.shape) < 1:
        raise InputError(f"an array must be (h, w) or (h, w, channels) with 1 to 4 channels; got the shape {array.shape}.")
    if array.dtype.kind == "f":
        pixels = _checked(pixels.astype(np.float32))
    elif array.dtype not in (np.uint8, np.uint16):
        raise InputError(f"an array must be uint8, uint16, or of numbers with fractions in [0, 1]; got {array.dtype}.")
    has_alpha = pixels.shape[2] in (2, 4)
    colors, alpha = (pixels[..., :-1], pixels[..., -1]) if has_alpha else (pixels, None)
    made = enlarge(np.ascontiguousarray(colors), None if alpha is None else np.ascontiguousarray(alpha))
    return (made[..., 0] if array.ndim == 2 else made).astype(array.dtype, copy=False)


def _checked(values: np.ndarray) -> np.ndarray:
    """Clipped to [0, 1]; InputError where they are far from it, or none."""
    least, most = (float(values.min()), float(values.max()))
    if not -_NEARLY <= least <= most <= 1 + _NEARLY:
        hint = "; levels from 0 to 255 go in as uint8" if 1 < most <= 255 else ""
        raise InputError(f"numbers with fractions must be in [0, 1]; got {least:g} to {most:g}{hint}.")
    return values.clip(0, 1)


def _upscale_tensor(tensor: Tensor, enlarge: _Enlarger) -> Tensor:
    if tensor.ndim not in (3, 4) or not 1 <= tensor.shape[-3] <= 4 or min(tensor.shape) < 1:
        raise InputError(
            f"a tensor must be (channels, h, w) or (batch, channels, h, w) with 1 to 4 channels; got {tuple(tensor.shape)}."
        )
    rows = tensor.detach().cpu().movedim(-3, -1)
    arrays = (rows.float() if tensor.is_floating_point() else rows).numpy()
    images = arrays[None] if tensor.ndim == 3 else arrays
    made = np.stack([_upscale_array(image, enlarge) for image in images])
    result = torch.from_numpy(made if tensor.ndim == 4 else made[0]).movedim(-1, -3).contiguous()
    return result.to(tensor.device, tensor.dtype)
