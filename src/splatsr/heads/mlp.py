"""Perceptrons: the heads of ContinuousSR and the decoders of the implicit methods are made of them."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

CHUNK = 16384
"""Positions that go through a perceptron at a time in inference: the widest published layer then holds 64 MB."""


def mlp(widths: Sequence[int], activation: Callable[[], nn.Module] = nn.GELU) -> nn.Sequential:
    """Linear layers widths[0] -> widths[1] -> ... with an activation (exact erf GELU) between them, none after the last."""
    layers: list[nn.Module] = []
    for inputs, outputs in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


def by_position(perceptron: nn.Module, features: Float[Tensor, "b n c"]) -> Float[Tensor, "b n out"]:
    """perceptron(features), position by position: in bounded memory where no gradient is needed."""
    if torch.is_grad_enabled() or features.shape[1] <= CHUNK:
        return perceptron(features)
    return torch.cat([perceptron(chunk) for chunk in features.split(CHUNK, dim=1)], dim=1)
