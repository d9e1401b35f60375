import torch

from splatsr.decoders.pixel_splatting import PixelSplatting
from splatsr.geometry import Output


def test_every_pixel_is_splatted_by_its_own_kernel() -> None:
    """The sum written out, at unequal scales, of the image and three mirrored pixels around it; the first sigma is vertical."""
    splatting, (h, w), (height, width) = PixelSplatting(unit=0.4), (4, 6), (10, 21)
    features = torch.randn(2, 3, h, w, dtype=torch.float64)
    low, high = torch.tensor([[0.5, 0.5, 0.5, -0.8], [2.0, 3.0, 1.5, 0.8]]).double()[..., None, None]
    chosen = low + (high - low) * torch.rand(2, 4, h, w, dtype=torch.float64)
    expected = torch.zeros(2, 3, height, width).double()
    y, x = (torch.arange(height) + 0.5) * h / height, (torch.arange(width) + 0.5) * w / width
    for image in range(2):
        for i in range(-3, h + 3):
            for j in range(-3, w + 3):
                row, column = (min(k % (2 * n), 2 * n - 1 - k % (2 * n)) for k, n in ((i, h), (j, w)))
                sigma_v, sigma_h, opacity, rho = chosen[image, :, row, column]
                v, u = (y[:, None] - i - 0.5) / (0.4 * sigma_v), (x - j - 0.5) / (0.4 * sigma_h)
                kernel = (-(u**2 - 2 * rho * u * v + v**2) / (2 * (1 - rho**2))).exp()
                expected[image] += features[image, :, row, column, None, None] * opacity * kernel.where(kernel >= 1 / 255, 0)
    output = Output((height, width), (height / h, width / w))
    splat = splatting.field(features, chosen)
    assert splat.means.dtype == torch.float32, "the fast renderers'"
    torch.testing.assert_close(splatting(features, chosen, output, (0, height)).double(), expected, atol=1e-2, rtol=0)
    torch.testing.assert_close(splatting(features, chosen, output, (3, 7)).double(), expected[:, :, 3:7], atol=1e-2, rtol=0)
