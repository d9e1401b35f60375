from pathlib import Path

import pytest
import wandb

from composed import protocol_of, settings_of
from splatsr.errors import InputError
from splatsr.metrics.figure import BICUBIC, MODEL, Evaluation, Figure
from splatsr.runs.loggers import log_results, open_loggers
from splatsr.runs.run import Run


@pytest.fixture
def logger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict:
    """The configuration logger=wandb, on a machine without a key."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # no key in ~/.netrc either
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked for a key"))
    logger = settings_of("logger=wandb")["logger"]
    for one in logger.values():
        one |= {"save_dir": str(tmp_path), "name": "run"}
    logger["wandb"] |= {"group": "group", "job_type": "train", "tags": ["tag"]}
    return logger


def test_wandb_is_offline_without_a_key_and_a_resumed_run_is_the_same_one(logger: dict, tmp_path: Path) -> None:
    identities = []
    for _ in range(2):
        with open_loggers(logger, Run(tmp_path, {"data": {"patch": 24}})) as (csv, online):
            assert online._wandb_init["mode"] == "offline"
            assert online._wandb_init["dir"] == str(tmp_path)
            assert online.experiment.config["data"] == {"patch": 24}  # nested as in the configuration
            assert csv.save_dir == str(tmp_path)
            identities.append(online.experiment.id)
        assert wandb.run is None
    assert identities[0] == identities[1] == (tmp_path / "wandb_run.txt").read_text().strip()


def test_the_final_table_and_pictures_reach_the_dashboard(logger: dict, tmp_path: Path) -> None:
    from splatsr.pictures.training import draw_curves

    (tmp_path / "pictures").mkdir()
    draw_curves({}, tmp_path / "pictures" / "curves.png")
    figures = [Figure("set5", 4.0, "psnr_y", method, value, 5) for method, value in ((MODEL, 30.0), (BICUBIC, 28.0))]
    found = Evaluation(figures, [], {"set5": ["a.png"] * 5}, [4.0], {})
    with open_loggers(logger, Run(tmp_path, {})) as loggers:
        log_results(loggers, found, protocol_of("l_pil"), tmp_path, 7)
    media = [path.relative_to(tmp_path) for path in tmp_path.glob("wandb/offline-run-*/files/media/**/*") if path.is_file()]
    assert sorted(path.suffix for path in media) == [".json", ".png"]
    table = next(tmp_path.glob("wandb/offline-run-*/files/media/table/test/*.json")).read_text()
    assert '"set5","x4",30.0,28.0,5' in table
    names = (tmp_path / "run/version_0/metrics.csv").read_text().splitlines()[0].split(",")
    assert {"test/L-pil/psnr_y/set5/x4", "test/L-pil/bicubic_psnr_y/set5/x4", "test/L-pil/images/set5/x4"} <= set(names)


def test_a_failed_run_is_closed_too(logger: dict, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="broken"), open_loggers(logger, Run(tmp_path, {})):
        raise RuntimeError("broken")
    assert wandb.run is None


@pytest.mark.parametrize("content", ["", "../../elsewhere", "a b", "\xff"])
def test_a_damaged_identity_is_one_line(content: str, logger: dict, tmp_path: Path) -> None:
    (tmp_path / "wandb_run.txt").write_text(content, encoding="latin-1")
    with pytest.raises(InputError, match=r"wandb_run.txt is damaged"), open_loggers(logger, Run(tmp_path, {})):
        pass
