from pathlib import Path
from typing import Any

import pytest

from splatsr.errors import InputError
from splatsr.runs.earlier_runs import check_runs


def test_folders_become_text_in_their_order() -> None:
    assert check_runs([Path("outputs/b"), "outputs/a"]) == ["outputs/b", "outputs/a"]


@pytest.mark.parametrize("runs", ["outputs/a", [], None, 3])
def test_anything_but_a_list_of_folders_is_refused(runs: Any) -> None:
    with pytest.raises(InputError, match="runs must be a list of folders"):
        check_runs(runs)
