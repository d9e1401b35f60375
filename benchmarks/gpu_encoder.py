"""How near the encoders come to the rate of their own matrix products: a part of gpu_minutes.py.

A forward pass is watched for every product of matrices that it makes (a convolution is one: output positions by weights of a
position). Each is timed alone, in bfloat16 on numbers of its own, and counted as often as it came; their share of the pass is
the rate that the encoder reaches, as a share of the rate that its products would allow.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from composed_model import composed_model
from gpu_rendering import DEVICE, milliseconds

CASES = {
    "EDSR of tiny": (["model=continuoussr_tiny"], 64, 36),
    "SwinIR": (["model=continuoussr", "model/encoder=swinir"], 16, 64),
    "HAT": (["model=continuoussr", "model/encoder=hat"], 16, 64),
}
"""Overrides of run.py, batch, and side of the LR crops."""

Product = tuple[int, int, int, int]
"""How many at once, rows, inner, columns."""


class Products(TorchDispatchMode):
    """Counts the products that are made within it."""

    def __init__(self) -> None:
        super().__init__()
        self.made: Counter[Product] = Counter()

    def __torch_dispatch__(self, operator: Any, types: Any, arguments: tuple = (), settings: dict | None = None) -> Any:
        result = operator(*arguments, **(settings or {}))
        name = operator.overloadpacket.__name__
        if name in ("mm", "addmm", "bmm", "baddbmm"):
            left, right = arguments[-2:]
            self.made[_batch(left), left.shape[-2], left.shape[-1], right.shape[-1]] += 1
        elif name == "convolution":
            weight, groups = arguments[1], arguments[8]
            rows = result.shape[0] * result.shape[-2] * result.shape[-1]
            self.made[groups, rows, weight[0].numel(), weight.shape[0] // groups] += 1
        return result


def _batch(tensor: Tensor) -> int:
    return tensor.shape[0] if tensor.ndim == 3 else 1


def _time(product: Product) -> float:
    count, rows, inner, columns = product
    left, right = (torch.randn(shape, device=DEVICE).bfloat16() for shape in ((count, rows, inner), (count, inner, columns)))
    return milliseconds(lambda: left @ right)


@torch.no_grad()
def encoder_rates(toy: bool) -> Iterator[dict]:
    """A row for every encoder: the pass, its products alone, their share, and the rate in TFLOP/s."""
    for name, (overrides, batch, side) in list(CASES.items())[: 1 if toy else None]:
        encoder = composed_model(*overrides).encoder.to(DEVICE).eval()
        lr = torch.rand(1 if toy else batch, 3, 12 if toy else side, 12 if toy else side, device=DEVICE)
        with torch.autocast(DEVICE.type, torch.bfloat16):
            with Products() as products:
                encoder(lr)
            whole = milliseconds(lambda: encoder(lr))  # noqa: B023
        alone = sum(times * _time(product) for product, times in products.made.items())
        flops = sum(2 * times * torch.Size(product).numel() for product, times in products.made.items())
        yield {
            "encoder": name, "batch": len(lr), "side": lr.shape[-1], "forward_ms": whole, "products_ms": alone,
            "share": alone / whole, "tflop_per_s": flops / whole / 1e9,
        }  # fmt: skip
