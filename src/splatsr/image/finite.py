"""Refusing what a damaged model makes: images whose kernels or values are not finite, which would be written as black."""

from jaxtyping import Float
from torch import Tensor, nn

from splatsr.errors import InputError


def check_image(image: object, model: nn.Module) -> None:
    """InputError, naming the model, where its image consists of kernels and one of them is not finite."""
    is_finite = getattr(image, "is_finite", None)
    if is_finite is not None and not is_finite():
        raise InputError(
            f"{type(model).__name__} makes kernels that are not finite of this image; its weights or settings are damaged."
        )


def check_rendered(rendered: Float[Tensor, "*batch channels height width"], model: nn.Module) -> None:
    """InputError, naming the model, where what its image renders to is not finite."""
    if not rendered.isfinite().all():
        raise InputError(
            f"{type(model).__name__} makes values that are not finite of this image; its weights or settings are damaged."
        )
