"""Two-dimensional selective scan (VMamba, Liu et al., NeurIPS 2024): what a layer of attention is elsewhere, at linear cost.

Every pixel sees all others through four scans: row by row, column by column, and both backwards.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu, softplus

from splatsr.encoders.selective_scan import Chosen, selective_scan
from splatsr.encoders.window_transformer import convolve
from splatsr.image.precision import in_float32

_DIRECTIONS = 4
_STEPS = (1e-3, 1e-1)
"""Range of the first rates `delta`, log-uniform."""

_LEAST_STEP = 1e-4


class SelectiveScan2D(nn.Module):
    """A channels-last grid to another; names of parameters are the published ones.

    Args:
        channels: of the grid.
        states: of every channel of a scan (published: 16).
        expansion: channels of the scans per channel of the grid (published: 2).
    """

    def __init__(self, *, channels: int, states: int, expansion: int) -> None:
        super().__init__()
        inner, self.rank, self.states = expansion * channels, math.ceil(channels / 16), states
        self.in_proj = nn.Linear(channels, 2 * inner, bias=False)
        self.conv2d = nn.Conv2d(inner, inner, 3, padding=1, groups=inner)
        self.x_proj_weight = nn.Parameter(torch.empty(_DIRECTIONS, self.rank + 2 * states, inner))
        self.dt_projs_weight = nn.Parameter(torch.empty(_DIRECTIONS, inner, self.rank))
        self.dt_projs_bias = nn.Parameter(torch.empty(_DIRECTIONS, inner))
        self.A_logs = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(_DIRECTIONS * inner, 1))
        self.Ds = nn.Parameter(torch.ones(_DIRECTIONS * inner))
        self.out_norm = nn.LayerNorm(inner)
        self.out_proj = nn.Linear(inner, channels, bias=False)
        self._first_weights()

    @torch.no_grad()
    def _first_weights(self) -> None:
        """As published: linear layers by torch's rule, rates of the scan log-uniform."""
        for weight in (self.x_proj_weight, self.dt_projs_weight):
            weight.uniform_(-(weight.shape[-1] ** -0.5), weight.shape[-1] ** -0.5)
        least, most = (math.log(step) for step in _STEPS)
        steps = torch.empty_like(self.dt_projs_bias).uniform_(least, most).exp().clamp(min=_LEAST_STEP)
        self.dt_projs_bias.copy_(steps + (-(-steps).expm1()).log())  # softplus of it is the step

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        """Every image for itself; the scans in float32."""
        inner, gate = self.in_proj(x).chunk(2, -1)
        scanned = in_float32(self._scanned, silu(convolve(self.conv2d, inner)))
        return self.out_proj(self.out_norm(scanned) * silu(gate))

    def _scanned(self, x: Float[Tensor, "b h w d"]) -> Float[Tensor, "b h w d"]:
        height, width = x.shape[1:3]
        by_row, by_column = x.flatten(1, 2).transpose(0, 1), x.transpose(1, 2).flatten(1, 2).transpose(0, 1)
        u = torch.stack([by_row, by_column, by_row.flip(0), by_column.flip(0)], 2)  # (steps, b, k, d)
        a, d = -self.A_logs.exp().unflatten(0, (_DIRECTIONS, -1)), self.Ds.unflatten(0, (_DIRECTIONS, -1))
        y = selective_scan(u, self._chosen, a, d)
        rows, columns = y[:, :, 0] + y[:, :, 2].flip(0), y[:, :, 1] + y[:, :, 3].flip(0)
        by_image = rows.unflatten(0, (height, width)), columns.unflatten(0, (width, height)).transpose(0, 1)
        return (by_image[0] + by_image[1]).permute(2, 0, 1, 3)

    def _chosen(self, u: Float[Tensor, "steps b k d"]) -> Chosen:
        rates, b, c = torch.einsum("lbkd,ked->lbke", u, self.x_proj_weight).split([self.rank, self.states, self.states], -1)
        return Chosen(softplus(torch.einsum("lbkr,kdr->lbkd", rates, self.dt_projs_weight) + self.dt_projs_bias), b, c)
