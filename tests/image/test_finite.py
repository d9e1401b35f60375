from dataclasses import replace

import pytest
import torch

from kernel_fields import random_field
from splatsr.errors import InputError
from splatsr.image.field import GaussianField
from splatsr.image.finite import check_image, check_rendered
from splatsr.models.bicubic import Bicubic
from splatsr.models.gaussianimage import ShiftedField


@pytest.mark.parametrize(("part", "value"), [("means", float("inf")), ("cholesky", 1e30), ("colors", float("nan"))])
def test_a_single_kernel_that_is_not_finite_is_refused_and_the_model_named(part: str, value: float) -> None:
    field = GaussianField(*random_field((4, 5)), size=(4, 5))
    check_image(field, Bicubic())
    broken = getattr(field, part).clone()
    broken[0, -1, 0] = value
    field = replace(field, **{part: broken})
    for image in (field, ShiftedField(field)):
        with pytest.raises(InputError, match="Bicubic makes kernels that are not finite"):
            check_image(image, Bicubic())


def test_a_single_value_that_is_not_finite_is_refused_and_the_model_named() -> None:
    rendered = torch.zeros(3, 4, 5)
    check_rendered(rendered, Bicubic())
    rendered[2, 3, 4] = float("-inf")
    with pytest.raises(InputError, match="Bicubic makes values that are not finite"):
        check_rendered(rendered, Bicubic())
