"""DRSformer's "mixture of experts feature compensator" (section 3.4): steps of eight operations, weighted by what the image is
on average.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

_STEPS = 4
_HIDDEN = 64


class MixtureOfOperations(nn.Module):
    """From `channels` to `channels`, in four steps.

    Args:
        channels: of the map.
    """

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        self.steps = nn.ModuleList(_Step(channels) for _ in range(_STEPS))
        count = len(_operations(channels))
        self.gate = nn.Sequential(nn.Linear(channels, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, _STEPS * count))
        self.preprocess = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Every image for itself; its weights depend on the whole of it."""
        weights = self.gate(x.mean((2, 3))).unflatten(1, (_STEPS, -1)).softmax(-1)
        s = self.preprocess(x).relu()
        for index, step in enumerate(self.steps):
            s = step(s, weights[:, index])
        return s


class _Step(nn.Module):
    """relu(s + relu(out(weighted operations on s)))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.operations = nn.ModuleList(_operations(channels))
        self.out = nn.Conv2d(len(self.operations) * channels, channels, 1, bias=False)

    def forward(self, s: Float[Tensor, "b c h w"], weights: Float[Tensor, "b operations"]) -> Float[Tensor, "b c h w"]:
        made = torch.stack([operation(s) for operation in self.operations], 1)
        weighted = made * weights[..., None, None, None]
        return (s + self.out(weighted.flatten(1, 2)).relu()).relu()


def _operations(channels: int) -> list[nn.Module]:
    """Separable convolutions of 1 to 7 pixels, dilated ones of 3 to 7, and a mean over 3x3 of the pixels that are there."""

    def pair(kernel: int, dilation: int) -> list[nn.Module]:
        padding = dilation * (kernel - 1) // 2
        depthwise = nn.Conv2d(
            channels, channels, kernel, padding=padding, dilation=dilation, groups=channels, bias=False
        )  # fmt: skip
        return [depthwise, nn.Conv2d(channels, channels, 1, bias=False)]

    separable = [nn.Sequential(*pair(kernel, 1), nn.ReLU(), *pair(kernel, 1)) for kernel in (1, 3, 5, 7)]
    dilated = [nn.Sequential(*pair(kernel, 2)) for kernel in (3, 5, 7)]
    return [*separable, *dilated, nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)]
