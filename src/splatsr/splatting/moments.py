"""From the sums of a kernel's lanes to its gradient: the end of the CPU splatter's backward loops."""

from typing import no_type_check

import numpy as np

from splatsr.simd.compiled import compiled
from splatsr.simd.lanes import LANES
from splatsr.splatting.vector_code import MOMENTS

_F = np.float32


@compiled(inline="always", error_model="numpy")
@no_type_check
def write_gradients(sums, cholesky, k, channels, inverse_sy, grads):
    """grads[k] (means 2, Cholesky 3, colors), which is zero, of the lane accumulators of `gather_lanes`.

    With u = dx / l11, t = (dy - l21 u) / l22 and sums weighted by w = alpha <color, v>:
    g_l22 = S tt / l22, g_l21 = S ut / l22, g_l11 = (S uu - S ut l21 / l22) / l11, g_cy = S t / l22,
    g_cx = (S u - S t l21 / l22) / l11. (u, t) is a rotation of (e, p), in which the lanes are summed.
    """
    sp = spp = se = sep = see = _F(0)
    for lane in range(LANES):
        sp += sums[lane]
        spp += sums[LANES + lane]
        se += sums[2 * LANES + lane]
        sep += sums[3 * LANES + lane]
        see += sums[4 * LANES + lane]
    for c in range(channels):
        for lane in range(LANES):
            grads[k, 5 + c] += sums[(MOMENTS + c) * LANES + lane]
    l11, l21, l22 = cholesky[k, 0], cholesky[k, 1], cholesky[k, 2]
    cosine, sine = l22 * inverse_sy, l21 * inverse_sy
    flip = np.sign(l11) * np.sign(l22)
    # u = sine e + flip cosine p,  t = cosine e - flip sine p
    su = sine * se + flip * cosine * sp
    st = cosine * se - flip * sine * sp
    suu = sine * sine * see + _F(2) * flip * sine * cosine * sep + cosine * cosine * spp
    stt = cosine * cosine * see - _F(2) * flip * sine * cosine * sep + sine * sine * spp
    sut = sine * cosine * (see - spp) + flip * (cosine * cosine - sine * sine) * sep
    tilt = l21 / l22
    grads[k, 0] = (su - st * tilt) / l11
    grads[k, 1] = st / l22
    grads[k, 2] = (suu - sut * tilt) / l11
    grads[k, 3] = sut / l22
    grads[k, 4] = stt / l22
