"""Perceptrons: the heads of ContinuousSR and the decoders of the implicit methods are made of them."""

from collections.abc import Callable, Sequence
from typing import cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from splatsr.image.precision import in_float32

CHUNK = 16384
"""Positions that go through a perceptron at a time in inference: the widest published layer then holds 64 MB."""


class Perceptron(nn.Sequential):
    """Linear layers with activations between them; see `mlp`."""

    @property
    def first(self) -> nn.Linear:
        """The first layer."""
        return cast(nn.Linear, self[0])

    @property
    def last(self) -> nn.Linear:
        """The last layer."""
        return cast(nn.Linear, self[-1])

    def forward(self, x: Float[Tensor, "*n inputs"]) -> Float[Tensor, "*n outputs"]:
        """The last layer computes in float32 in any case (`image.precision`)."""
        *hidden, last = self
        for layer in hidden:
            x = layer(x)
        return in_float32(last, x)


def mlp(widths: Sequence[int], activation: Callable[[], nn.Module] = nn.GELU) -> Perceptron:
    """Linear layers widths[0] -> widths[1] -> ... with an activation (exact erf GELU) between them, none after the last."""
    layers: list[nn.Module] = []
    for inputs, outputs in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(inputs, outputs), activation()]
    return Perceptron(*layers[:-1])


def by_position(
    perceptron: nn.Module, features: Float[Tensor, "b n c"], chosen: Bool[Tensor, "b n"] | None = None
) -> Float[Tensor, "b n out"]:
    """perceptron(features), position by position: in bounded memory where no gradient is needed; zero where not `chosen`."""
    if chosen is not None:
        return of_chosen(lambda some: by_position(perceptron, some), features, chosen)
    if torch.is_grad_enabled() or features.shape[1] <= CHUNK:
        return perceptron(features)
    return torch.cat([perceptron(chunk) for chunk in features.split(CHUNK, dim=1)], dim=1)


def of_chosen(
    work: Callable[[Float[Tensor, "1 m c"]], Float[Tensor, "1 m out"]],
    values: Float[Tensor, "b n c"],
    chosen: Bool[Tensor, "b n"],
) -> Float[Tensor, "b n out"]:
    """work(the values at the chosen positions, of all images together), put back to where they were; zero elsewhere."""
    made = work(values[chosen][None])[0]
    whole = made.new_zeros((*chosen.shape, made.shape[-1]))
    return whole.masked_scatter(chosen[..., None], made)
