import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

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


NAME = "apd.mlp.0.bias"


@pytest.mark.parametrize(
    ("dtype", "value", "message"),
    [
        (torch.float64, 1e300, "not finite.*numbers beyond float32"),
        (torch.complex64, 1, "is of the type complex64"),
        (torch.float8_e4m3fn, 1, "is of the type float8_e4m3fn"),
        (torch.uint16, 1, "is of the type uint16"),
        (torch.int32, 1, "is of the type int32; the model has float32"),
        (torch.bool, 1, "is of the type bool; the model has float32"),
    ],
)
def test_only_numbers_that_the_model_can_hold_are_loaded(
    tiny_file: Path, dtype: torch.dtype, value: float, message: str
) -> None:
    config, tensors = read_model(tiny_file)
    tensors[NAME] = torch.full_like(tensors[NAME], value, dtype=torch.float64).to(dtype)
    save_file(tensors, tiny_file, metadata={KEY: json.dumps({"model": config})})
    with pytest.raises(InputError, match=rf"safetensors.*{NAME}.*{message}"):
        load_model(tiny_file)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_floating_types_are_cast(tiny_file: Path, dtype: torch.dtype) -> None:
    config, tensors = read_model(tiny_file)
    save_file({name: one.to(dtype) for name, one in tensors.items()}, tiny_file, metadata={KEY: json.dumps({"model": config})})
    loaded = load_model(tiny_file).state_dict()
    assert all(torch.equal(loaded[name], one.to(dtype).to(one.dtype)) for name, one in tensors.items())


@pytest.mark.filterwarnings("ignore")  # torch calls some of these kinds a prototype
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda one: "text", "no tensor, but str"),
        (torch.Tensor.tolist, "no tensor, but list"),
        (torch.Tensor.to_sparse, "sparse"),
        (lambda one: one.to("meta"), "without values"),
        (lambda one: torch.nested.nested_tensor([one]), "nested|damaged"),
        (lambda one: torch.quantize_per_tensor(one, 0.1, 0, torch.qint8), "of the type qint8"),
        (lambda one: torch.zeros(1).expand(one.shape), "fewer values are stored"),
    ],
)
def test_a_checkpoint_holds_dense_tensors(tiny_file: Path, tmp_path: Path, make: Any, message: str) -> None:
    config, tensors = read_model(tiny_file)
    state = {f"model.{name}": one for name, one in tensors.items()}
    state[f"model.{NAME}"] = make(tensors[NAME])
    torch.save({"state_dict": state, KEY: {"model": config}}, tmp_path / "odd.ckpt")
    with pytest.raises(InputError, match=rf"odd\.ckpt.*({message})"):
        load_model(tmp_path / "odd.ckpt")


def test_a_state_dict_with_names_that_are_no_text_is_damaged(tmp_path: Path) -> None:
    torch.save({"state_dict": {5: torch.zeros(1)}, KEY: {"model": {}}}, tmp_path / "odd.ckpt")
    with pytest.raises(InputError, match="a name in its state_dict is no text"):
        load_model(tmp_path / "odd.ckpt")


def test_a_description_with_a_number_too_long_to_be_read_is_damaged(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "long.safetensors", metadata={KEY: '{"model": {"a": ' + "9" * 5000 + "}}"})
    with pytest.raises(InputError, match="damaged"):
        load_model(tmp_path / "long.safetensors")


def test_what_a_file_names_is_printed_escaped(tiny_file: Path) -> None:
    config, tensors = read_model(tiny_file)
    tensors["\x1b[31m\nerror: all is well"] = torch.zeros(1)
    save_file(tensors, tiny_file, metadata={KEY: json.dumps({"model": config})})
    with pytest.raises(InputError) as caught:
        load_model(tiny_file)
    assert str(caught.value).isprintable()
