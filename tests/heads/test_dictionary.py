from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import load_model, save_model
from splatsr.errors import InputError
from splatsr.heads.dictionary import (
    carry_rows,
    file_dictionary,
    normal_dictionary,
    published_dictionary,
    save_dictionary,
    uniform_dictionary,
)


def test_published_grid() -> None:
    rows = published_dictionary()
    assert rows.shape == (730, 3)
    assert rows[0].tolist() == pytest.approx([0, -0.86, 0])
    assert rows[1].tolist() == pytest.approx([0, -0.86, 0.33]), "l22 runs fastest"
    assert rows[81 * 3 + 9 * 2 + 1].tolist() == pytest.approx([0.98, -0.16, 0.33])
    assert rows[-1].tolist() == [0, 0, 0]
    assert rows.mean(0).tolist() == pytest.approx([1.1407, 0.3395, 1.0475], abs=1e-4)
    assert int((rows[:-1, 0] * rows[:-1, 2] == 0).sum()) == 153


def test_normal_prior_is_reproducible_and_clipped() -> None:
    make = {"rows": 2000, "mean": [1.13, 0.34, 1.03], "deviation": [0.5, 0.5, 0.5]}
    rows = normal_dictionary(**make, seed=0)
    assert torch.equal(rows, normal_dictionary(**make, seed=0))
    assert not torch.equal(rows, normal_dictionary(**make, seed=1))
    assert rows.mean(0).tolist() == pytest.approx(make["mean"], abs=0.05)
    assert rows[:, [0, 2]].min() == 0
    assert rows[:, 1].min() < 0


def test_uniform_range() -> None:
    rows = uniform_dictionary(rows=1000, low=2.0, high=10.0, seed=0)
    assert rows.shape == (1000, 3)
    assert 2 <= rows.min() < 2.1
    assert 9.9 < rows.max() <= 10
    with pytest.raises(ValueError, match="low must be less than high"):
        uniform_dictionary(rows=10, low=1.0, high=1.0, seed=0)


def test_a_file_gives_its_rows_back(tmp_path: Path) -> None:
    rows = torch.randn(100, 3)
    save_dictionary(rows, tmp_path / "rows.safetensors")
    assert torch.equal(file_dictionary(file=str(tmp_path / "rows.safetensors")), rows)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.safetensors"]


def test_a_model_carries_the_rows_of_its_file(tmp_path: Path) -> None:
    rows, file = torch.randn(50, 3), tmp_path / "rows.safetensors"
    save_dictionary(rows, file)
    overrides = ["model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8"]
    config = settings_of("model/shapes/dictionary=file", f"model.shapes.dictionary.file={file}", *overrides)["model"]
    saved = carry_rows(config)
    assert {**saved, "shapes": {**saved["shapes"], "dictionary": None}} == {
        **config, "shapes": {**config["shapes"], "dictionary": None},
    }  # fmt: skip
    save_model(build(saved), saved, tmp_path / "model.safetensors")
    file.unlink()
    assert torch.equal(load_model(tmp_path / "model.safetensors").ddcw.dictionary, rows)


def test_what_is_no_dictionary_is_refused(tmp_path: Path) -> None:
    save_file({"dictionary": torch.zeros(4, 2)}, tmp_path / "narrow.safetensors")
    save_file({"rows": torch.zeros(4, 3)}, tmp_path / "named.safetensors")
    (tmp_path / "broken.safetensors").write_text("hello")
    for name, message in (
        ("narrow", r"\(4, 2\)"),
        ("named", "holds no dictionary"),
        ("broken", "damaged"),
        ("none", "no such file"),
    ):
        with pytest.raises(InputError, match=message):
            file_dictionary(file=str(tmp_path / f"{name}.safetensors"))
    with pytest.raises(InputError, match="model.shapes.dictionary.file="):
        file_dictionary(file=None)
