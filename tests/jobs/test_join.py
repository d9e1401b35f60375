from pathlib import Path

import pytest
import torch

from composed import settings_of
from splatsr import InputError, load
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import save_model
from splatsr.jobs.join import join

SMALL = ("model.encoder.channels=8", "model.encoder.out_channels=8")
MODELS = {
    "restoration": settings_of("model=drsformer", *SMALL, "model.encoder.depths=[1,1,1,1]", "model.encoder.heads=[1,1,1,1]"),
    "sr": settings_of("model=liif", *SMALL, "model.encoder.blocks=1", "model.hidden=[16]"),
}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A checkpoint of each part."""
    for name, settings in MODELS.items():
        save_model(build(settings["model"]), settings["model"], tmp_path / f"{name}.safetensors")
    return {name: str(tmp_path / f"{name}.safetensors") for name in MODELS}


@torch.inference_mode()
def test_two_checkpoints_become_a_model_that_does_one_after_the_other(files: dict[str, str], tmp_path: Path) -> None:
    two_stage, output = settings_of("model=two_stage")["model"], tmp_path / "both.safetensors"
    join(model=two_stage, beside=files, output=str(output))
    lr = torch.rand(1, 3, 9, 11)
    restored = load(files["restoration"])(lr).render(size=(9, 11)).clamp(0, 1)
    torch.testing.assert_close(load(output)(lr).render(scale=2), load(files["sr"])(restored).render(scale=2))
    with pytest.raises(InputError, match="exists already"):
        join(model=two_stage, beside=files, output=str(output))


def test_what_is_missing_or_too_much_is_said(files: dict[str, str], tmp_path: Path) -> None:
    two_stage, output = settings_of("model=two_stage")["model"], str(tmp_path / "new" / "both.safetensors")
    for beside in ({"sr": files["sr"]}, {**files, "third": files["sr"]}):
        with pytest.raises(InputError, match=r"needs \+beside.restoration=<checkpoint> \+beside.sr=<checkpoint>"):
            join(model=two_stage, beside=beside, output=output)
    with pytest.raises(InputError, match="cannot write .pth"):
        join(model=two_stage, beside=files, output="both.pth")
    with pytest.raises(InputError, match="model=two_stage"):
        join(model=MODELS["sr"]["model"], beside=files, output=output)
    assert not (tmp_path / "new").exists()
