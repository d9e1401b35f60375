"""The published renderer's gradient of the Cholesky rows, which counts the off-diagonal covariance twice.

With g_a, g_b, g_d the true derivatives by the covariance's entries a = l11^2, b = l11 l21 and d = l21^2 + l22^2,

    true:       g_l11 = 2 l11 g_a +   l21 g_b;   g_l21 =   l11 g_b + 2 l21 g_d;   g_l22 = 2 l22 g_d
    published:  g_l11 = 2 l11 g_a + 2 l21 g_b;   g_l21 = 2 l11 g_b + 2 l21 g_d;   g_l22 = 2 l22 g_d
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable


class PublishedGradient(torch.autograd.Function):
    """Cholesky rows (..., 3) unchanged; backward turns the true gradient into the published one.

    It takes no unit: rows may be scaled along x (l11) and y (l21, l22) before or after. A kernel with |l11| or |l22| below 1e-6
    is empty and keeps its gradient, which is zero.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, cholesky: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
        ctx.save_for_backward(cholesky)
        return cholesky.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
        l11, l21, l22 = ctx.saved_tensors[0].unbind(-1)
        g11, g21, g22 = upstream.unbind(-1)
        there = (l11.abs() >= 1e-6) & (l22.abs() >= 1e-6)
        again = torch.where(there, g21 - l21 / torch.where(there, l22, 1) * g22, 0)  # l11 g_b
        return torch.stack([g11 + l21 / torch.where(there, l11, 1) * again, g21 + again, g22], dim=-1)
