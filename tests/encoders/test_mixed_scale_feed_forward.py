import torch
from torch.nn.functional import conv2d

from splatsr.encoders.mixed_scale_feed_forward import MixedScaleFeedForward


@torch.no_grad()
def test_grouped_convolutions_take_neighbours_of_the_concatenation() -> None:
    layer, x = MixedScaleFeedForward(channels=4, hidden=5), torch.randn(2, 4, 6, 7)  # 5 is odd: a group mixes both scales
    y = layer.project_in(x)
    a = conv2d(y, layer.dwconv3x3.weight, padding=1, groups=10).relu()
    b = conv2d(y, layer.dwconv5x5.weight, padding=2, groups=10).relu()
    parts = []
    for half, conv in ((slice(0, 5), layer.dwconv3x3_1), (slice(5, 10), layer.dwconv5x5_1)):
        both = torch.cat([a[:, half], b[:, half]], 1)
        pairs = [conv2d(both[:, 2 * j : 2 * j + 2], conv.weight[j : j + 1], padding=conv.kernel_size[0] // 2) for j in range(5)]
        parts += pairs
    torch.testing.assert_close(layer(x), layer.project_out(torch.cat(parts, 1).relu()), atol=1e-6, rtol=1e-5)
