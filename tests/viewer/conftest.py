"""One browser for all tests of the page, and one page with the fields that they look at."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

import splatsr
from chromium import Chromium, Page, chromium, find_chromium
from splatsr.data.photos import held_out_photographs
from splatsr.geometry import cell_corners
from splatsr.image.field import GaussianField
from splatsr.image_files.reading import read_image
from splatsr.resize.pil import resize_bicubic
from splatsr.viewer.encoding import field_of
from splatsr.viewer.page import Subject, page_of

LR = (64, 96)


class Shown(NamedTuple):
    """What the page of the tests shows: a field for each name, the LR image and the original of the photograph."""

    path: Path
    fields: dict[str, GaussianField]
    lr: np.ndarray
    original: np.ndarray


def grid_field(
    size: tuple[int, int], change: Callable[[Tensor, Tensor, Tensor], None], reference_scale: float
) -> GaussianField:
    """Four even kernels per LR pixel, of which `change` makes something else in place (means, Cholesky rows, colors)."""
    corners = cell_corners(*size, 2)[None]
    means, cholesky = corners + 0.25, torch.tensor([0.3, 0.05, 0.28]).repeat(1, corners.shape[1], 1)
    colors = torch.rand(1, corners.shape[1], 3) * 0.5
    change(means, cholesky, colors)
    return GaussianField(means, cholesky, colors, size, reference_scale)


def stress_field() -> GaussianField:
    """Random colors, centres a pixel around their cells' corners, standard deviations from 0.1 to 0.68, of every sign."""

    def change(means: Tensor, cholesky: Tensor, colors: Tensor) -> None:
        means += 2 * torch.rand_like(means) - 1.25
        cholesky[..., ::2] = (0.1 + 0.58 * torch.rand_like(cholesky[..., ::2])) * torch.randn_like(cholesky[..., ::2]).sign()
        cholesky[..., 1] = 0.68 * (2 * torch.rand_like(cholesky[..., 1]) - 1)
        colors -= 0.15

    return grid_field(LR, change, 4.0)


def wide_field(count: int = 20) -> GaussianField:
    """Some kernels of standard deviation 3 among even ones, and one that is not finite."""

    def change(means: Tensor, cholesky: Tensor, colors: Tensor) -> None:
        chosen = torch.randperm(means.shape[1])[:count]
        cholesky[:, chosen] *= 10
        colors[:, chosen] *= 0.1
        means[0, 700] = torch.nan

    return grid_field(LR, change, 2.0)


def scattered_field() -> GaussianField:
    """Kernels that are no grid."""
    means = torch.rand(1, 900, 2) * torch.tensor([LR[1], LR[0]])
    cholesky = torch.rand(1, 900, 3) + 0.6
    return GaussianField(means, cholesky, torch.rand(1, 900, 3) * 0.4, LR)


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    torch.manual_seed(0)
    picture = read_image(held_out_photographs()["photos"][1])[:384, :576]
    original = resize_bicubic(picture, (4 * LR[0], 4 * LR[1]))
    lr = np.array(resize_bicubic(original, LR))
    model = splatsr.load("tiny")
    model.continue_images()
    photograph, plain = field_of(model, lr), grid_field((24, 30), lambda *_: None, torch.inf)
    fields = {
        "photograph": photograph,
        "stress": stress_field(),
        "wide": wide_field(),
        "scattered": scattered_field(),
        "footprint": plain,
        "damped": GaussianField(photograph.means, photograph.cholesky, 0.8 * photograph.colors, LR, 2.0, photograph.margin),
    }
    subjects = [
        Subject("photograph", [("tiny", photograph), ("damped", fields["damped"])], lr, [("Original", original)]),
        *(Subject(name, [(name, fields[name])], None) for name in ("stress", "wide", "scattered", "footprint")),
    ]
    folder = tmp_path_factory.mktemp("page")
    for precision in ("float32", "float16"):
        (folder / f"{precision}.html").write_text(page_of(subjects, title="<fields>", precision=precision), encoding="utf-8")
    return Shown(folder, fields, lr, original)


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    if (program := find_chromium()) is None:
        pytest.skip("no Chromium here (apt-get install chromium): the page is not looked at")
    with chromium(program) as running:
        yield running


@pytest.fixture
def tab(browser: Chromium) -> Iterator[Page]:
    """An empty tab; nothing that is opened in it may write errors to the console."""
    page = browser.page()
    yield page
    assert page.errors == []
    page.close()
