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

    Units do not matter: rows may be scaled along x (l11) and y (l21, l22) before or after. A kernel with |l11| or |l22| below
    1e-6 is empty and keeps its gradient, which is zero.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, cholesky: Float[Tensor, "*n l11_l21_l22=3"]) -> Float[Tensor, "*n l11_l21_l22=3"]:
        ctx.save_for_backward(cholesky)
        return cholesky.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Float[Tensor, "*n l11_l21_l22=3"]) -> Float[Tensor, "*n l11_l21_l22=3"]:
        l11, l21, l22 = ctx.saved_tensors[0].unbind(-1)
        g11, g21, g22 = upstream.unbind(-1)
        visible = (l11.abs() >= 1e-6) & (l22.abs() >= 1e-6)
        l11_g_b = torch.where(visible, g21 - l21 / torch.where(visible, l22, 1) * g22, 0)
        return torch.stack([g11 + l21 / torch.where(visible, l11, 1) * l11_g_b, g21 + l11_g_b, g22], dim=-1)
