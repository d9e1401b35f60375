"""The bicubic baseline down and up on a photograph, against figures that a straightforward implementation gives."""

import numpy as np
import pytest
from skimage.data import astronaut

from splatsr.data.evaluation_pairs import LowResolution
from splatsr.image.psnr import psnr
from splatsr.metrics.luma import luma
from splatsr.metrics.ssim import ssim
from splatsr.resize.levels import to_tensor
from splatsr.resize.rules import RULES

FIGURES = {  # PSNR-Y, SSIM-Y; 120 x 156 pixels of astronaut's head; `straightforward` below prints them
    ("pil", 2): (32.2721, 0.90440),
    ("pil", 3): (29.5549, 0.83032),
    ("pil", 4): (27.9182, 0.77239),
    ("matlab", 2): (32.2764, 0.90461),
    ("matlab", 3): (29.5586, 0.83054),
    ("matlab", 4): (27.9177, 0.77240),
}
PHOTOGRAPH = np.ascontiguousarray(astronaut()[:120, 120:276])


@pytest.mark.parametrize(("rule", "scale"), FIGURES)
def test_figures_are_those_of_the_straightforward_way(rule: str, scale: int) -> None:
    low, high = LowResolution(rule, given=False, crop="liif").make(PHOTOGRAPH, scale)
    up = RULES[rule](low, high.shape[:2])
    one, other = (luma(to_tensor(image)[:, scale:-scale, scale:-scale].double()) for image in (up, high))
    assert abs(psnr(one, other).item() - FIGURES[rule, scale][0]) < 0.002
    assert abs(ssim(one, other).item() - FIGURES[rule, scale][1]) < 0.0002


@pytest.mark.parametrize(("rule", "scale"), [("pil", 3), ("matlab", 2)])
def test_the_figures_are_honest(rule: str, scale: int) -> None:
    assert np.abs(np.subtract(straightforward(rule, scale), FIGURES[rule, scale])).max() < 1e-4


def straightforward(rule: str, scale: int) -> tuple[float, float]:
    """PSNR-Y and SSIM-Y of the photograph resized down and up, without a line of the suite."""
    low = resize(PHOTOGRAPH, (120 // scale, 156 // scale), rule)
    up = resize(low, (120, 156), rule)
    weights = np.array([65.481, 128.553, 24.966]) / 255
    x, y = (image[scale:-scale, scale:-scale].astype(float) @ weights + 16 for image in (up, PHOTOGRAPH))
    window = np.exp(-((np.arange(11) - 5) ** 2) / 4.5)
    window = np.outer(window, window) / window.sum() ** 2

    def mean(image: np.ndarray) -> np.ndarray:
        return np.einsum("ijkl,kl->ij", np.lib.stride_tricks.sliding_window_view(image, (11, 11)), window)

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    similarity = (2 * mx * my + 2.55**2) * (2 * cov + 7.65**2) / ((mx**2 + my**2 + 2.55**2) * (vx + vy + 7.65**2))
    return float(10 * np.log10(255**2 / np.mean((x - y) ** 2))), float(similarity.mean())


def resize(image: np.ndarray, size: tuple[int, int], rule: str) -> np.ndarray:
    """PIL: width first, rounded between, kernel cut at the border. MATLAB: height first, rounded once, border mirrored."""
    values = image.astype(float)
    for axis in (1, 0) if rule == "pil" else (0, 1):
        rows = np.moveaxis(values, axis, 0)
        n, m = len(rows), size[axis]
        padded = np.concatenate([rows[::-1], rows, rows[::-1]])
        out = np.empty((m, *rows.shape[1:]))
        for x in range(m):
            t = np.abs(min(1, m / n) * (np.arange(-n, 2 * n) + 0.5 - (x + 0.5) * n / m))
            weight = np.where(t <= 1, 1.5 * t**3 - 2.5 * t**2 + 1, np.where(t < 2, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2, 0))
            if rule == "pil":
                weight[:n] = weight[2 * n :] = 0
            out[x] = np.tensordot(weight / weight.sum(), padded, 1)
        values = np.moveaxis(out, 0, axis)
        values = np.floor(values.clip(0, 255) + 0.5) if rule == "pil" else values
    return np.floor(values.clip(0, 255) + 0.5).astype(np.uint8)
