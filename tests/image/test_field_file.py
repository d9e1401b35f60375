import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from splatsr.errors import InputError
from splatsr.image.field import GaussianField

TENSORS = {"means": torch.rand(1, 12, 2), "cholesky": torch.rand(1, 12, 3), "colors": torch.rand(1, 12, 3)}
FACTS = {"format": "splatsr.GaussianField", "size": "[3, 4]", "reference_scale": "4", "margin": "0"}


def load(path: Path, tensors: dict[str, Tensor], facts: dict[str, str]) -> GaussianField:
    save_file(tensors, path / "field.safetensors", metadata=facts)
    return GaussianField.load(path / "field.safetensors")


def test_a_file_without_a_digest_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, TENSORS, FACTS).size == (3, 4)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        *(("size", text) for text in ("", "null", "3", "[1]", "[0, 4]", "[-1, 4]", "[1.5, 2]", '["a", "b"]', "[true, 4]")),
        *(("size", text) for text in ("[NaN, 4]", "[99999999999999999999, 4]", "[" * 5000, f"[3, {'9' * 5000}]", '{"a": 1}')),
        *(("margin", text) for text in ("", "null", "-1", "1.5", "true", "NaN", '"0"', "[]")),
        *(("reference_scale", text) for text in ("", "null", "NaN", "-1", '"4"', "[4]", "true")),
    ],
)
def test_facts_that_are_none_are_refused(tmp_path: Path, fact: str, value: str) -> None:
    with pytest.raises(InputError, match=r"damaged"):
        load(tmp_path, TENSORS, {**FACTS, fact: value})


def test_a_size_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its size is 'left out'"):
        load(tmp_path, TENSORS, {name: value for name, value in FACTS.items() if name != "size"})


@pytest.mark.parametrize("name", list(TENSORS))
@pytest.mark.parametrize(
    "change",
    [
        lambda part: part[0].clone(), lambda part: part[:, :11].clone(), lambda part: part.expand(2, -1, -1).clone(),
        lambda part: part[:0].clone(), lambda part: torch.tensor(1.0), torch.Tensor.long, torch.Tensor.half,
        torch.Tensor.double, lambda part: part * math.nan, lambda part: part / 0, lambda part: part.to(torch.uint16),
    ],
)  # fmt: skip
def test_tensors_that_do_not_go_together_are_refused(tmp_path: Path, name: str, change) -> None:  # noqa: ANN001
    with pytest.raises(InputError, match="holds no field"):
        load(tmp_path, {**TENSORS, name: change(TENSORS[name])}, FACTS)


def test_a_changed_byte_is_not_used_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "field.safetensors"
    GaussianField(**TENSORS, size=(3, 4)).save(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert load_file(path)
    with pytest.raises(InputError, match="damaged: it does not hold what was written"):
        GaussianField.load(path)


def test_facts_are_part_of_the_digest(tmp_path: Path) -> None:
    path = tmp_path / "field.safetensors"
    GaussianField(**TENSORS, size=(3, 4)).save(path)
    path.write_bytes(path.read_bytes().replace(b"[3, 4]", b"[4, 3]"))
    with pytest.raises(InputError, match="damaged: it does not hold what was written"):
        GaussianField.load(path)


def test_what_is_written_is_json_and_tensors_alone(tmp_path: Path) -> None:
    path = tmp_path / "field.safetensors"
    GaussianField(**TENSORS, size=(3, 4), margin=1).save(path)
    header = json.loads(path.read_bytes()[8 : 8 + int.from_bytes(path.read_bytes()[:8], "little")])
    assert json.loads(header["__metadata__"]["size"]) == [3, 4]
    assert GaussianField.load(path).margin == 1
