import numpy as np
import pytest
import torch

import splatsr
from splatsr.checkpoints.choice import choose_model
from splatsr.errors import InputError
from splatsr.image.field import GaussianField
from splatsr.resize.levels import to_tensor
from splatsr.viewer.encoding import field_of


def test_tiles_make_the_field_of_the_whole_picture() -> None:
    model = splatsr.load("tiny")
    model.continue_images()
    lr = np.random.default_rng(0).integers(0, 256, (44, 50, 3), dtype=np.uint8)
    with torch.inference_mode():
        whole = model(to_tensor(lr)[None])
    tiled = field_of(model, lr, tile=24)
    assert (tiled.size, tiled.margin) == (whole.size, whole.margin) == ((44, 50), 4)
    for part in ("means", "cholesky", "colors"):
        torch.testing.assert_close(getattr(tiled, part), getattr(whole, part), atol=1e-4, rtol=0)


@pytest.mark.parametrize("side", [1, 9])
def test_small_pictures_and_models_without_kernels(side: int) -> None:
    lr = np.zeros((side, side, 3), np.uint8)
    assert isinstance(field_of(splatsr.load("tiny"), lr), GaussianField)
    with pytest.raises(InputError, match="Bicubic makes no kernels"):
        field_of(choose_model(None, {"_target_": "splatsr.models.bicubic.Bicubic"}, "cpu"), lr)
