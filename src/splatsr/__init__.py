"""SplatSR: arbitrary-scale image super-resolution with 2D Gaussians.

big = splatsr.upscale("photo.png", scale=3.7)  # a path, a Pillow image, an array or a tensor; the same kind comes back
model = splatsr.load("tiny")              # a name (splatsr models), a file that the suite saved, or hf:owner/name
field = model(lr)                           # lr (B, 3, h, w), RGB in [0, 1]; the field knows no scale
image = field.render(scale=3.3)             # as often as you like, at any size
page = splatsr.view(field)                  # to zoom into, in a notebook; page.save("zoom.html")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from splatsr.disk.user_cache import settle_libraries
from splatsr.simd.shape_caches import bound_shape_caches

if TYPE_CHECKING:
    from splatsr.checkpoints.files import load_model as load
    from splatsr.errors import InputError
    from splatsr.image.field import GaussianField
    from splatsr.large_images.upscale import upscale
    from splatsr.splatting import splat
    from splatsr.viewer.inline import view

__version__ = "0.1.0"
__all__ = ["GaussianField", "InputError", "load", "splat", "upscale", "view"]

_HOMES = {
    "GaussianField": ("image.field", "GaussianField"),
    "InputError": ("errors", "InputError"),
    "load": ("checkpoints.files", "load_model"),
    "splat": ("splatting", "splat"),
    "upscale": ("large_images.upscale", "upscale"),
    "view": ("viewer.inline", "view"),
}

bound_shape_caches()
settle_libraries()


def __getattr__(name: str) -> Any:
    """Imports on first use: torch takes over a second, which `splatsr --help` should not wait for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'splatsr' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(f"splatsr.{module}"), attribute)
