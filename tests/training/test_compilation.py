"""A compiled training is the plain one. (It runs in a process of its own: the tests' type checks cannot be compiled.)"""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import splatsr
from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.errors import InputError
from splatsr.runs.command_line import main
from splatsr.runs.configuration import CONF
from splatsr.training import compilation
from splatsr.training.compilation import BACKENDS, check_backend, compile_parts, missing_for_inductor

BACKEND = "aot_eager" if missing_for_inductor() else "inductor"  # without a C++ compiler: all but the code that it compiles


@pytest.mark.timeout(900)  # inductor starts a C++ compiler for every part and every new shape
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.slow
def test_a_compiled_run_is_the_plain_run(tiny_run: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = [*tiny_run, "trainer.max_epochs=1", "data.batches_per_epoch=2", "trainer.log_every_n_steps=1"]
    command = [sys.executable, str(CONF.parent / "run.py"), *settings, f"compile={BACKEND}", f"hydra.run.dir={tmp_path / 'it'}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(sys, "argv", ["run.py", *settings, f"hydra.run.dir={tmp_path / 'plain'}"])
    assert main() == 0
    losses = {}
    for name in ("plain", "it"):
        with (tmp_path / name / "logs/version_0/metrics.csv").open() as file:
            losses[name] = [float(row["train/loss"]) for row in csv.DictReader(file) if row["train/loss"]]
    assert len(losses["plain"]) == 2
    assert losses["it"] == pytest.approx(losses["plain"], rel=1e-4)
    plain, compiled = (dict(splatsr.load(tmp_path / name / "checkpoints/last.ckpt").state_dict()) for name in losses)
    torch.testing.assert_close(compiled, plain, rtol=1e-3, atol=1e-4)
    assert (tmp_path / "it/metrics.json").is_file()


def test_encoder_and_heads_are_compiled_in_place() -> None:
    config = settings_of("model.encoder.channels=8", "model.encoder.blocks=1", "model.encoder.out_channels=8")["model"]
    model = build(config)
    names = list(model.state_dict())
    compile_parts(model, "eager")
    assert list(model.state_dict()) == names
    compiled = {name for name, part in model.named_modules() if part._compiled_call_impl is not None}
    assert compiled == {"encoder", "ddcw", "apd", "cgm"}


def test_what_cannot_be_compiled_with_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for backend in (None, *set(BACKENDS) - {"inductor"}):
        check_backend(backend)
    with pytest.raises(InputError, match="null or one of inductor, aot_eager, eager; got 'fast'"):
        check_backend("fast")
    monkeypatch.setattr(compilation.shutil, "which", lambda _: None)
    with pytest.raises(InputError, match="needs a C.. compiler"):
        check_backend("inductor")


TRACED = """
import sys, warnings
warnings.simplefilter("ignore")  # window_order's cache is traced through
import torch
from splatsr.checkpoints.build import build
from splatsr.runs.configuration import compose
small = ["model.encoder.channels=12", "model.encoder.depths=[2]", "model.encoder.heads=[2]", "model.encoder.window=4"]
encoder = build(compose(f"model/encoder={sys.argv[1]}", *small)["model"]).encoder.train()
print(torch._dynamo.explain(encoder)(torch.rand(1, 3, 8, 8)).graph_break_count)
"""


@pytest.mark.parametrize("encoder", ["swinir", pytest.param("hat", marks=pytest.mark.slow)])
def test_attention_in_windows_is_one_graph(encoder: str) -> None:
    """Where a graph breaks in every block, and every block has its own rate of dropped paths, torch gives up after eight."""
    done = subprocess.run([sys.executable, "-c", TRACED, encoder], capture_output=True, text=True, timeout=250, check=True)
    assert done.stdout.split()[-1] == "0"
