from pathlib import Path

import pytest
import torch

import splatsr
from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import KEY, load_model, load_weights, read_model, save_model
from splatsr.errors import InputError

SMALL = ("model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8")


@pytest.mark.parametrize("dictionary", ["published", "normal", "uniform"])
def test_a_saved_model_gives_the_same_field(tmp_path: Path, dictionary: str) -> None:
    config = settings_of(*SMALL, f"model/shapes/dictionary={dictionary}")["model"]
    model = build(config)
    torch.nn.init.normal_(model.ddcw.query.weight)
    save_model(model, config, tmp_path / "model.safetensors")
    loaded = splatsr.load(tmp_path / "model.safetensors")
    lr = torch.rand(1, 3, 5, 6)
    with torch.inference_mode():
        one, other = model.eval()(lr), loaded(lr)
    assert not loaded.training
    assert all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("means", "cholesky", "colors"))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_bicubic_can_be_saved_too(tmp_path: Path) -> None:
    config = settings_of("model=bicubic")["model"]
    save_model(build(config), config, tmp_path / "bicubic.safetensors")
    assert splatsr.load(tmp_path / "bicubic.safetensors")(torch.rand(1, 3, 4, 5)).render(scale=2).shape == (1, 3, 8, 10)


def test_what_holds_no_model_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "a.ckpt")
    torch.save({"state_dict": {}}, tmp_path / "b.ckpt")
    (tmp_path / "c.ckpt").write_bytes(b"")
    (tmp_path / "d.ckpt").write_text("hello")
    for name, message in (
        ("a", "no state_dict"),
        ("b", "no model"),
        ("c", "damaged"),
        ("d", "damaged|refused"),
        ("e", "no such"),
    ):
        with pytest.raises(InputError, match=message):
            splatsr.load(tmp_path / f"{name}.ckpt")


def test_all_tensors_load_or_none() -> None:
    model = build(settings_of(*SMALL)["model"])
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    tensors = {name: tensor + 1 for name, tensor in before.items()}
    tensors.pop("apd.mlp.0.bias")
    with pytest.raises(InputError, match=r"1 tensor differs: apd\.mlp\.0\.bias is missing"):
        load_weights(model, tensors, source="file")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_weights_that_are_not_finite_are_named_and_refused(tmp_path: Path) -> None:
    config = settings_of(*SMALL)["model"]
    model = build(config)
    torch.nn.init.constant_(model.cgm.mlp[0].bias, float("nan"))
    save_model(model, config, tmp_path / "diverged.safetensors")
    with pytest.raises(InputError, match=r"diverged\.safetensors: cgm\.mlp\.0\.bias has values that are not finite"):
        splatsr.load(tmp_path / "diverged.safetensors")


def test_a_file_of_which_a_byte_is_another_is_refused_and_not_used(tiny_file: Path) -> None:
    whole = tiny_file.read_bytes()
    description = whole.index(b"offset_range")
    for place in (len(whole) - 1000, len(whole) - 1, description + 18):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        tiny_file.write_bytes(damaged)
        with pytest.raises(InputError, match="damaged"):
            load_model(tiny_file)
    tiny_file.write_bytes(whole)
    assert load_model(tiny_file).has_weights


def test_a_checkpoint_of_which_a_byte_is_another_is_refused(tiny_file: Path, tmp_path: Path) -> None:
    config, tensors = read_model(tiny_file)
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": {f"model.{name}": tensor for name, tensor in tensors.items()}, KEY: {"model": config}}, path)
    assert load_model(path).has_weights
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(InputError, match="is not what was written"):
        load_model(path)


def test_the_same_model_is_the_same_file(tiny_file: Path, tmp_path: Path) -> None:
    config, _ = read_model(tiny_file)
    save_model(load_model(tiny_file), config, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == tiny_file.read_bytes()
