import argparse
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from composed import settings_of
from splatsr.checkpoints import encoder_weights
from splatsr.checkpoints.build import build
from splatsr.encoders.edsr import EDSR
from splatsr.errors import InputError
from splatsr.models.bicubic import Bicubic
from splatsr.models.continuoussr import ContinuousSR

SMALL = ("model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8", "model.encoder.input_mean=0.0")
MEAN = torch.tensor([0.4488, 0.4371, 0.4040])


def new_model(*more: str) -> ContinuousSR:
    return build(settings_of(*SMALL, *more)["model"])


@pytest.fixture
def state() -> dict[str, Tensor]:
    """A public EDSR file's tensors, at our small size, trained on [0, 1]; other random weights than the model's."""
    torch.manual_seed(1)
    return {
        **new_model().encoder.state_dict(),
        "tail.1.weight": torch.zeros(3, 8, 3, 3),
        "tail.1.bias": torch.zeros(3),
        **{f"{side}_mean.{part}": torch.zeros(3, 3, 1, 1) if part == "weight" else MEAN
           for side in ("sub", "add") for part in ("weight", "bias")},
    }  # fmt: skip


def saved(content: Any, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "public.pth"
    torch.save(content, path)
    return path


def same(encoder: EDSR, state: dict[str, Tensor]) -> bool:
    return all(torch.equal(tensor, state[name]) for name, tensor in encoder.state_dict().items())


@pytest.mark.parametrize("keys", [("params_ema", "params"), ("params",), ()])
def test_public_weights_become_the_encoders(state: dict[str, Tensor], keys: tuple[str, ...], tmp_path: Path) -> None:
    other = {name: tensor + 1 for name, tensor in state.items()}
    model = new_model()
    heads = {name: tensor.clone() for name, tensor in model.state_dict().items() if not name.startswith("encoder.")}
    encoder_weights.load_encoder(model, saved(dict(zip(keys, (state, other), strict=False)) if keys else state, tmp_path))
    assert same(model.encoder, state), "params_ema, the averaged weights, come first"
    assert all(torch.equal(tensor, heads[name]) for name, tensor in model.state_dict().items() if name in heads)


def test_files_of_other_trainings_become_the_encoders(state: dict[str, Tensor], tmp_path: Path) -> None:
    parallel = {f"module.{name}": tensor for name, tensor in state.items()}
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))]).state_dict()
    safe = tmp_path / "public.safetensors"
    save_file({name: tensor.clone() for name, tensor in state.items()}, safe)
    for path in (
        saved(parallel, tmp_path / "a"),
        saved({"state_dict": parallel, "optimizer": optimizer, "epoch": 3}, tmp_path / "b"),
        saved({"state_dict": {"params": state}}, tmp_path / "c"),
        safe,
    ):
        model = new_model()
        encoder_weights.load_encoder(model, path)
        assert same(model.encoder, state), path


@pytest.mark.parametrize("beside", [argparse.Namespace(lr=1), np.float64(3.0)])
def test_what_is_in_the_way_is_named_and_not_called_code(state: dict[str, Tensor], beside: object, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"cannot be read as it is: beside its weights it holds (argparse.Namespace|numpy)"
    ) as got:
        encoder_weights.load_encoder(new_model(), saved({"params": state, "beside": beside}, tmp_path))
    assert "run code" not in str(got.value)
    assert "save its weights alone" in str(got.value)


def test_what_was_used_and_what_was_not_is_logged(
    state: dict[str, Tensor], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "splatsr.checkpoints.encoder_weights")
    state["layers.0.attn_mask"] = torch.zeros(4)
    encoder_weights.load_encoder(new_model(), saved(state, tmp_path))
    assert caplog.messages == [
        "public.pth: all 10 tensors of EDSR loaded; not used: tail.1 (2), sub_mean (2), add_mean (2), attn_mask (1)"
    ]


def test_weights_for_8_bit_levels_are_brought_to_unit_range(
    state: dict[str, Tensor], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As the public EDSR files are: trained on levels 0 to 255 with the mean subtracted."""
    caplog.set_level(logging.INFO, "splatsr.checkpoints.encoder_weights")
    state["sub_mean.bias"] = -255 * MEAN
    model, original = new_model(), new_model().encoder
    original.load_state_dict({name: tensor for name, tensor in state.items() if name in original.state_dict()})
    encoder_weights.load_encoder(model, saved(state, tmp_path))
    lr = torch.rand(2, 3, 5, 7)
    torch.testing.assert_close(model.encoder(lr), original(255 * lr) / 255)
    assert "biases divided by 255" in caplog.text


def test_one_wrong_tensor_and_nothing_is_loaded(state: dict[str, Tensor], tmp_path: Path) -> None:
    model = new_model()
    before = {name: tensor.clone() for name, tensor in model.encoder.state_dict().items()}
    missing = {name: tensor for name, tensor in state.items() if name != "head.0.bias"}
    for wrong, message in (
        (missing, r"public\.pth does not fit EDSR: 1 tensor differs: head\.0\.bias is missing"),
        ({**state, "head.0.bias": torch.zeros(9)}, r"head\.0\.bias is \(9,\) in the file and \(8,\) in the model"),
        ({**state, "extra": torch.zeros(9)}, "extra is not part of the model"),
    ):
        with pytest.raises(InputError, match=message):
            encoder_weights.load_encoder(model, saved(wrong, tmp_path))
    assert same(model.encoder, before)


def test_what_is_no_encoder_is_refused(tmp_path: Path) -> None:
    model = new_model()
    for content, message in (
        ({}, "holds no state dict"),
        (torch.zeros(3), "holds no state dict"),
        ({"params": {"a": 3}}, "'a' is no tensor"),
        ({"model": {"name": "continuous-gaussian", "args": {}, "sd": {}}}, "a whole model; start from it with checkpoint="),
        ({"state_dict": {}, "splatsr": {}}, "a whole model"),
    ):
        with pytest.raises(InputError, match=message):
            encoder_weights.load_encoder(model, saved(content, tmp_path))
    with pytest.raises(InputError, match="no such file"):
        encoder_weights.load_encoder(model, tmp_path / "absent.pth")
    with pytest.raises(InputError, match="Bicubic has no encoder"):
        encoder_weights.load_encoder(Bicubic(), tmp_path / "public.pth")


class Trap:
    """Unpickling it would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return self.path.touch, ()


def test_a_file_that_would_run_code_is_refused(state: dict[str, Tensor], tmp_path: Path) -> None:
    path = saved({"params": state, "more": Trap(tmp_path / "touched")}, tmp_path)
    with pytest.raises(InputError, match="is refused"):
        encoder_weights.load_encoder(new_model(), path)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    ("collapses", "initialisation", "warned"),
    [(True, "published", True), (True, "blurred_lr", False), (False, "published", False)],
)
def test_random_weights_that_collapse_are_announced(
    collapses: bool,
    initialisation: str,
    warned: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(EDSR, "collapses_from_random", collapses, raising=False)
    encoder_weights.warn_of_collapse(new_model(f"model/initialisation={initialisation}"))
    assert [record.levelname for record in caplog.records] == ["WARNING"] * warned
    assert not warned or "Set encoder_checkpoint=" in caplog.text


def test_encoders_that_do_not_collapse_are_started_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    encoder_weights.warn_of_collapse(new_model("model/initialisation=published"))
    encoder_weights.warn_of_collapse(Bicubic())
    assert not caplog.records


def test_names_and_hubs_are_asked_for_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splatsr.checkpoints.encoder_weights.weights_file", lambda wanted: Path("fetched") / wanted)
    assert encoder_weights.encoder_file("hat_srx4") == Path("fetched/hat_srx4")
    assert encoder_weights.encoder_file("hf:a/b/c.pth") == Path("fetched/hf:a/b/c.pth")
    assert encoder_weights.encoder_file("a/b.pth") == encoder_weights.encoder_file(Path("a/b.pth")) == Path("a/b.pth")


def test_a_mapping_that_holds_itself_ends(tmp_path: Path) -> None:
    content: dict[str, Any] = {}
    content["params"] = content
    with pytest.raises(InputError, match="holds no state dict"):
        encoder_weights.load_encoder(new_model(), saved(content, tmp_path))


def test_a_mean_shift_that_is_no_number_is_refused(state: dict[str, Tensor], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sub_mean.bias.* is not finite"):
        encoder_weights.load_encoder(new_model(), saved({**state, "sub_mean.bias": torch.full((3,), torch.nan)}, tmp_path))


def test_a_name_too_long_is_no_file() -> None:
    with pytest.raises(InputError, match="no such file"):
        encoder_weights.load_encoder(new_model(), "x" * 300 + ".pth")
