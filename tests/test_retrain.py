"""The stages in which the models that come along were trained, as benchmarks/retrain.py has them."""

import subprocess
import sys
from pathlib import Path

import pytest

from composed import settings_of
from splatsr.checkpoints.files import read_model
from splatsr.released.catalogue import catalogue
from splatsr.runs.configuration import CONF, compose
from tiny_runs import make_photographs

SCRIPT = CONF.parent / "benchmarks" / "retrain.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="not in a checkout")


def parts(*overrides: str) -> dict[str, object]:
    """What of a training's settings decides about its weights."""
    found = compose(*overrides)
    data, trainer = found["data"], found["trainer"]
    return {
        **{name: found[name] for name in ("model", "loss", "optimizer", "schedule", "supervision", "seed", "callbacks")},
        **{name: data[name] for name in ("patch", "batch_size", "batches_per_epoch", "drawings", "scale_range", "licence")},
        **{name: trainer[name] for name in ("max_epochs", "precision", "gradient_clip_val")},
    }


@pytest.mark.parametrize("name", ["tiny", "small"])
def test_the_last_stage_is_what_the_card_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import retrain

    stages = retrain.STAGES[name]
    told = [one for one in catalogue()[name].trained_by.split()[2:] if "<" not in one and not one.startswith("checkpoint=")]
    assert parts(*retrain.settings(name, stages[-1])) == parts(*told)
    assert [stage.steps for stage in stages] == sorted(stage.steps for stage in stages)
    assert f"checkpoint=docs/results/{name}-{stages[-2].steps}-steps.safetensors" in catalogue()[name].trained_by
    assert retrain.kept(name, stages[-2].steps).exists()
    with pytest.raises(SystemExit, match=f"of {name} the weights after these steps were kept: .*{stages[-2].steps}"):
        retrain.kept(name, 1)


@pytest.mark.parametrize("name", ["tiny", "small"])
def test_the_model_of_every_stage_is_that_of_its_weights(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files say what was trained; conf/ may change after them."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import retrain

    stages = retrain.STAGES[name]
    files = [retrain.KEPT / f"{name}-{stage.steps}-steps.safetensors" for stage in stages[:-1]] + [catalogue()[name].path]
    assert sum(file.exists() for file in files) >= 2
    for stage, file in zip(stages, files, strict=True):
        if file.exists():
            model, _ = read_model(file)
            assert settings_of(*retrain.settings(name, stage))["model"] == model, f"{stage.steps} steps"


@pytest.mark.slow
def test_stages_follow_each_other(tmp_path: Path) -> None:
    photographs = make_photographs(tmp_path / "photographs")
    command = [
        *(sys.executable, str(SCRIPT), "small", "--train", str(photographs), "--test", str(photographs)),
        *("--folder", str(tmp_path / "stages"), "--settings", "debug=tiny", "trainer=cpu", "trainer.max_epochs=1"),
        *("data.patch=48", "data.batch_size=2", "data.drawings=1"),
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"with the weights of {tmp_path / 'stages/10500/model.safetensors'}" in said
    assert said.splitlines()[-1] == f"{tmp_path / 'stages/13100/model.safetensors'} has been through the stages of small."
    again = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert len(again.splitlines()) == 1, "what is done is not done again"
    other = subprocess.run([*command, "seed=5"], capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert "was trained with other settings (seed=5); give another --folder" in other.stderr
