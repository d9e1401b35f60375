"""Perceptron with GELU between its layers; the heads of ContinuousSR are made of it."""

from collections.abc import Sequence

from torch import nn


def mlp(widths: Sequence[int]) -> nn.Sequential:
    """Linear layers widths[0] -> widths[1] -> ... with exact (erf) GELU between them, none after the last."""
    layers: list[nn.Module] = []
    for inputs, outputs in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(inputs, outputs), nn.GELU()]
    return nn.Sequential(*layers[:-1])
