import re
import subprocess
import sys
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch
from PIL import Image

import splatsr
from splatsr import InputError
from splatsr.jobs.export import export
from splatsr.resize.levels import to_tensor, to_uint8
from splatsr.runs.command_line import main
from splatsr.splat_files import reader

DOCS = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.fixture(autouse=True)
def _untyped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes are tensors while a graph is traced, which no annotation of a size allows."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def test_the_documented_example_needs_no_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["run.py", "job=export", "checkpoint=tiny", "output=tiny.onnx"])
    assert main() == 0
    assert re.search(
        r"tiny -> tiny.onnx \(1\.\d MiB, equal to torch\), and reader\.py", capsys.readouterr().out.replace("\n", " ")
    )
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 3)).astype(np.uint8)
    Image.fromarray(pixels).save("photo.png")
    (snippet,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    code = f'{snippet}\nimport sys\nassert not {{"torch", "splatsr"}} & set(sys.modules)\n'
    subprocess.run([sys.executable, "-c", code], check=True, env={"OMP_NUM_THREADS": "1"}, cwd=tmp_path)
    with torch.no_grad():
        expected = to_uint8(splatsr.load("tiny")(to_tensor(pixels)[None]).render(scale=3.7)[0])
    off = np.abs(np.asarray(Image.open("big.png")).astype(int) - expected)
    assert off.shape == (33, 44, 3)
    assert off.max() <= 1
    assert (off > 0).mean() < 2e-3


def test_the_kernels_are_those_of_fields_that_are_kept(tiny_file: Path, tmp_path: Path) -> None:
    """A model whose own margin is 0 gets one, as in job=field."""
    import onnxruntime

    export(checkpoint=str(tiny_file), output=str(tmp_path / "new" / "a.onnx"))
    facts = onnxruntime.InferenceSession(tmp_path / "new" / "a.onnx").get_modelmeta().custom_metadata_map
    assert facts["margin"] == "4"
    assert facts["licence"] == "that of the weights which it was made from"
    assert (tmp_path / "new" / "reader.py").read_bytes() == Path(reader.__file__).read_bytes()
    export(checkpoint=str(tiny_file), output=str(tmp_path / "new" / "b.onnx"))


def test_what_cannot_be_meant_is_refused(tiny_file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs checkpoint=<name or file> and output="):
        export(checkpoint=None, output="a.onnx")
    with pytest.raises(InputError, match=r"cannot write \.pt; output ends in \.onnx"):
        export(checkpoint=str(tiny_file), output="a.pt")
    (tmp_path / "a.onnx").write_text("")
    with pytest.raises(InputError, match="exists already; nothing is overwritten"):
        export(checkpoint=str(tiny_file), output=str(tmp_path / "a.onnx"))
    (tmp_path / "reader.py").write_text("mine")
    with pytest.raises(InputError, match=r"reader\.py exists already and is another file"):
        export(checkpoint=str(tiny_file), output=str(tmp_path / "b.onnx"))
    assert (tmp_path / "reader.py").read_text() == "mine"
