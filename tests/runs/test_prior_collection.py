from pathlib import Path

import pytest
import yaml

from composed import settings_of
from splatsr.errors import InputError
from splatsr.runs.prior_collection import read_fits


def test_a_folder_that_is_no_finished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not a run of job=fit_prior"):
        read_fits(tmp_path)
    (tmp_path / "fields").mkdir()
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"job": {"_target_": "splatsr.jobs.train.train"}}))
    with pytest.raises(InputError, match=r"is not a run of job=fit_prior"):
        read_fits(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings_of("prior.crops=4", "prior.batch=2")))
    with pytest.raises(InputError, match="holds 0 of 2 chunks of fitted crops: finish the run first"):
        read_fits(tmp_path)
