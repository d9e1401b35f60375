from pathlib import Path

import numpy as np
import torch

from splatsr.image.field import GaussianField


def one_kernel() -> GaussianField:
    """A long kernel, 45 degrees downwards to the right."""
    shape = torch.linalg.cholesky(torch.tensor([[2.5, 1.5], [1.5, 2.5]]))
    row = torch.stack([shape[0, 0], shape[1, 0], shape[1, 1]])
    return GaussianField(torch.tensor([[[6.0, 4.0]]]), row[None, None], torch.ones(1, 1, 3), (8, 12))


def test_ellipses_have_the_axes_of_their_kernels() -> None:
    axis = one_kernel().plot().axes[0]
    (ellipses,) = axis.collections
    assert np.allclose(ellipses.get_widths(), 4.0)
    assert np.allclose(ellipses.get_heights(), 2.0)
    assert np.allclose(np.mod(ellipses.get_angles(), 180), 45)
    assert np.allclose(ellipses.get_offsets(), [[6, 4]])
    assert axis.get_ylim() == (8, 0)


def test_it_can_be_kept_and_kernels_left_out(tmp_path: Path) -> None:
    figure = one_kernel().plot(kernels=False)
    assert not figure.axes[0].collections
    figure.savefig(tmp_path / "field.png")
    assert (tmp_path / "field.png").stat().st_size > 1000
