from pathlib import Path

from hydra_plugins.splatsr_local.local_processes import mean_psnr
from toy_runs import toy_run


def test_a_search_sees_the_models_psnr_at_the_scale_nearest_to_x4(tmp_path: Path) -> None:
    near = {"x2": {"psnr_y": 40.0}, "x3.3": {"psnr_y": 31.0, "ssim_y": 0.9, "bicubic_psnr_y": 20.0}}
    toy_run(tmp_path, {"set5": near, "set14": {"x8": {"psnr_y": 21.0}}})
    assert mean_psnr(tmp_path) == 26.0
    assert mean_psnr(tmp_path / "failed") is None
