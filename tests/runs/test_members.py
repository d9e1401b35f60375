from pathlib import Path

import pytest

from splatsr.disk.whole_file import write_yaml
from splatsr.errors import InputError
from splatsr.runs.members import check_begun_alike


def test_a_member_goes_on_only_as_what_it_was(tmp_path: Path) -> None:
    check_begun_alike(tmp_path, ["seed=0"])
    write_yaml(tmp_path / "overrides.yaml", ["seed=0", "scales=[2]"])
    check_begun_alike(tmp_path, ["scales=[2]", "seed=0", "resume=folder", "hydra/launcher=basic", "data.workers=3"])
    with pytest.raises(InputError, match=r"begun with other settings \(seed=0, seed=1\)"):
        check_begun_alike(tmp_path, ["scales=[2]", "seed=1"])
