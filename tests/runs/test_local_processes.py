from pathlib import Path

import pytest

from hydra_plugins.splatsr_local.local_processes import LocalProcesses, mean_psnr
from splatsr.errors import InputError
from toy_runs import toy_run


def test_a_search_sees_the_models_psnr_at_the_scale_nearest_to_x4(tmp_path: Path) -> None:
    near = {"x2": {"psnr_y": 40.0}, "x3.3": {"psnr_y": 31.0, "ssim_y": 0.9, "bicubic_psnr_y": 20.0}}
    toy_run(tmp_path, {"set5": near, "set14": {"x8": {"psnr_y": 21.0}}})
    assert mean_psnr(tmp_path) == 26.0
    assert mean_psnr(tmp_path / "failed") is None


@pytest.mark.parametrize("n_jobs", ["x", 0, -1, None, 1.5, True])
def test_members_side_by_side_are_a_whole_number(n_jobs: object) -> None:
    with pytest.raises(InputError, match=r"hydra\.launcher\.n_jobs must be a whole number of at least 1"):
        LocalProcesses(n_jobs)  # type: ignore[arg-type] # that is the test
