import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hydra_plugins.splatsr_local import local_processes
from hydra_plugins.splatsr_local.local_processes import LocalProcesses, is_finished, mean_psnr
from splatsr.disk.folder_lock import hold
from splatsr.disk.whole_file import write_yaml
from splatsr.errors import InputError
from splatsr.runs.command_line import main
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


def test_a_member_is_finished_where_it_says_so_and_not_where_its_state_is_damaged(tmp_path: Path) -> None:
    assert not is_finished(tmp_path)
    for content in ("", "state: running\n", "[", "finished", "\xff"):
        (tmp_path / "state.yaml").write_text(content, encoding="latin-1")
        assert not is_finished(tmp_path)
    (tmp_path / "state.yaml").write_text("state: finished\n")
    assert is_finished(tmp_path)
    (tmp_path / "state.yaml").unlink()
    (tmp_path / "metrics.json").touch()
    assert is_finished(tmp_path)


def test_a_multirun_that_is_going_on_is_not_joined(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(local_processes, "PATIENCE", 0.0)
    monkeypatch.setattr(sys, "argv", ["run.py", "-m", "job=evaluate", "model=bicubic", "seed=0,1", "hydra.sweep.dir=many"])
    with hold(tmp_path / "many"):
        assert main() == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "many is in use by this process itself" in line
    assert not (tmp_path / "many/0").exists()


def launcher(folder: Path, subdir: str) -> LocalProcesses:
    """With as much of Hydra as tells a member's folder."""
    one = LocalProcesses(1)
    one.config = OmegaConf.create({"hydra": {"sweep": {"dir": str(folder)}}})
    one._folder = lambda index, _: folder / subdir.format(index)  # type: ignore[method-assign,assignment]
    return one


def test_members_have_folders_of_their_own(tmp_path: Path) -> None:
    members = [(0, ["seed=0"]), (1, ["seed=1"])]
    launcher(tmp_path, "{}")._check_folders(members)
    for subdir in ("same", "."):
        with pytest.raises(InputError, match="must name a folder of its own for every member"):
            launcher(tmp_path, subdir)._check_folders(members)
    for subdir in ("../{}", f"{tmp_path.parent}/elsewhere-{{}}"):
        with pytest.raises(InputError, match=r"hydra.sweep.subdir must name folders within .*; got .*0"):
            launcher(tmp_path, subdir)._check_folders(members)


def test_a_multirun_goes_on_with_the_members_that_it_had(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    write_yaml(tmp_path / "0/overrides.yaml", ["seed=0", "data.workers=2", "resume=auto"])
    launcher(tmp_path, "{}")._check_folders([(0, ["data.workers=0", "seed=0"])])
    for other in (["seed=7"], ["seed=0", "optimizer.lr=1"], []):
        with pytest.raises(InputError, match=r"0 was begun with other settings \(.*(seed=0|optimizer.lr=1)"):
            launcher(tmp_path, "{}")._check_folders([(0, other)])
