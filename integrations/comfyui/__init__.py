"""ComfyUI: images enlarged by any factor, or to an exact size. ComfyUI finds the two dictionaries at the end by their names.

Images are tensors (batch, height, width, channels) in [0, 1], as ComfyUI passes them on.
"""

import torch

import splatsr
from splatsr.released.catalogue import DEFAULT, catalogue

LARGEST = 65536
"""Pixels along a side."""


class SplatSRScale:
    """Enlarges by a factor with fractions."""

    CATEGORY = "image/upscaling"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"

    @classmethod
    def INPUT_TYPES(cls) -> dict:  # noqa: N802 - ComfyUI's name
        return {
            "required": {
                "image": ("IMAGE",),
                "scale": ("FLOAT", {"default": 2.0, "min": 1.0, "max": 64.0, "step": 0.1}),
                "model": (_names(), {"default": DEFAULT}),
            },
            "optional": {"model_file": ("STRING", {"default": "", "tooltip": "a .safetensors or .pth file, instead of model"})},
        }

    def upscale(self, image: torch.Tensor, scale: float, model: str, model_file: str = "") -> tuple[torch.Tensor]:
        return (_enlarged(image, model_file or model, scale=scale),)


class SplatSRSize:
    """Enlarges to exactly so many pixels; 0 for a side that follows from the image's proportions."""

    CATEGORY = "image/upscaling"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"

    @classmethod
    def INPUT_TYPES(cls) -> dict:  # noqa: N802 - ComfyUI's name
        side = {"default": 0, "min": 0, "max": LARGEST, "step": 1}
        return {
            "required": {
                "image": ("IMAGE",),
                "width": ("INT", {**side, "default": 1920}),
                "height": ("INT", side),
                "model": (_names(), {"default": DEFAULT}),
            },
            "optional": {"model_file": ("STRING", {"default": "", "tooltip": "a .safetensors or .pth file, instead of model"})},
        }

    def upscale(self, image: torch.Tensor, width: int, height: int, model: str, model_file: str = "") -> tuple[torch.Tensor]:
        return (_enlarged(image, model_file or model, size=[height or None, width or None]),)


def _names() -> list[str]:
    return [name for name, known in catalogue().items() if known.path.is_file()]


def _enlarged(image: torch.Tensor, model: str, **wanted: object) -> torch.Tensor:
    made = splatsr.upscale(image.movedim(-1, 1), model=model, **wanted)
    return made.movedim(1, -1).contiguous()


NODE_CLASS_MAPPINGS = {"SplatSRScale": SplatSRScale, "SplatSRSize": SplatSRSize}
NODE_DISPLAY_NAME_MAPPINGS = {"SplatSRScale": "Upscale by any factor (SplatSR)", "SplatSRSize": "Upscale to a size (SplatSR)"}
