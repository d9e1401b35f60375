import os
from pathlib import Path

import pytest
import torch
import wandb
from lightning.pytorch.loggers import WandbLogger

from composed import protocol_of, settings_of
from splatsr.disk.leftovers import partial_name
from splatsr.errors import InputError
from splatsr.metrics.figure import BICUBIC, MODEL, Evaluation, Figure
from splatsr.runs.loggers import log_results, log_trained, open_loggers
from splatsr.runs.run import Run
from splatsr.runs.wandb_run import define_summaries
from splatsr.training.callbacks.checkpoints import BestCheckpoint


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


class Recorder:
    """A run of W&B that keeps what it is told."""

    id = "abc"

    def __init__(self) -> None:
        self.summary: dict = {}
        self.metrics: dict[str, dict] = {}
        self.artifacts: list = []

    def define_metric(self, name: str, **rules: object) -> None:
        self.metrics[name] = rules

    def log_artifact(self, artifact: wandb.Artifact, aliases: list[str]) -> None:
        self.artifacts.append((artifact, aliases))


class Stub(WandbLogger):
    def __init__(self) -> None:
        self.recorder = Recorder()

    @property
    def experiment(self) -> Recorder:
        return self.recorder


def test_curves_stand_over_the_step_and_are_summed_up_by_their_better_end() -> None:
    log = Stub()
    define_summaries(log, "L-pil")
    assert {rules["step_metric"] for rules in log.recorder.metrics.values()} == {"trainer/global_step"}
    summaries = {name: rules["summary"] for name, rules in log.recorder.metrics.items()}
    assert summaries["val/psnr"] == summaries["val/L-pil/psnr_y/*"] == "max"
    assert summaries["val/lpips"] == summaries["train/loss"] == "min"


@pytest.mark.parametrize("wanted", [True, False])
def test_the_last_and_the_best_weights_are_artifacts_that_open_as_models(tiny_file: Path, wanted: bool) -> None:
    best = BestCheckpoint(monitor="val/psnr")
    best.best_model_path, best.best_model_score = str(tiny_file), torch.tensor(31.5)
    log = Stub()
    log_trained([log], {"wandb": {"log_model": wanted}}, tiny_file, best)
    assert log.recorder.summary == {"best/figure": 31.5, "best/metric": "val/psnr", "best/file": tiny_file.name}
    assert [aliases for _, aliases in log.recorder.artifacts] == ([["last"], ["best"]] if wanted else [])
    for artifact, _ in log.recorder.artifacts:
        assert (artifact.name, artifact.type, list(artifact.manifest.entries)) == ("model-abc", "model", ["model.safetensors"])


def test_tensorboard_gets_figures_and_pictures_beside_csv(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from splatsr.pictures.training import draw_curves

    (tmp_path / "pictures").mkdir()
    draw_curves({}, tmp_path / "pictures" / "curves.png")
    figures = [Figure("set5", 4.0, "psnr_y", method, value, 5) for method, value in ((MODEL, 30.0), (BICUBIC, 28.0))]
    found = Evaluation(figures, [], {"set5": ["a.png"] * 5}, [4.0], {})
    chosen = settings_of("logger=[csv,tensorboard]", f"run_dir={tmp_path}")["logger"]
    assert list(chosen) == ["csv", "tensorboard"]
    for step in (7, 9):  # a resumed run goes on in the same folder
        with open_loggers(chosen, Run(tmp_path, {"data": {"patch": 24, "test": None}})) as loggers:
            log_results(loggers, found, protocol_of("l_pil"), tmp_path, step)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("test/L-pil/psnr_y/set5/x4")] == [7, 9]
    assert "test/pictures/curves" in events.Tags()["images"]


def test_tensorboard_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("splatsr.runs.loggers.find_spec", lambda _: None)
    chosen = settings_of("logger=tensorboard", f"run_dir={tmp_path}")["logger"]
    with pytest.raises(InputError, match=r"pip install 'splatsr\[tensorboard\]'"), open_loggers(chosen, Run(tmp_path, {})):
        pass


def test_csv_makes_no_second_configuration_that_a_kill_could_cut_off(tmp_path: Path) -> None:
    csv = settings_of("logger=csv", f"run_dir={tmp_path}")["logger"]
    with open_loggers(csv, Run(tmp_path, {"seed": 0})) as (log,):
        log.log_metrics({"loss": 1.0}, step=0)
    assert [path.name for path in (tmp_path / "logs").rglob("*.*")] == ["metrics.csv"]


def test_what_a_killed_part_left_of_its_log_goes_when_the_run_goes_on(tmp_path: Path) -> None:
    left = partial_name(tmp_path / "logs/version_0/metrics.csv")
    left = left.with_name(left.name.replace(f"-{os.getpid()}-", "-99999999-"))
    left.parent.mkdir(parents=True)
    left.touch()
    with open_loggers(settings_of("logger=csv", f"run_dir={tmp_path}")["logger"], Run(tmp_path, {"seed": 0})):
        assert not left.exists()
