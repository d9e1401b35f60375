import pytest

from splatsr.data.degradation.chances import check_chances
from splatsr.errors import InputError


@pytest.mark.parametrize("chances", [[0.5, 0.4], [1.5, -0.5], []])
def test_chances_that_do_not_add_up_are_refused(chances: list[float]) -> None:
    with pytest.raises(InputError, match=r"data.degradation.camera.resize.chances must be chances that add up to 1"):
        check_chances(chances, "resize.chances")


def test_those_that_do_are_made_exact() -> None:
    assert check_chances([0.1] * 10, "blur.shapes").sum() == 1
