"""docs/train.sbatch with stand-ins for Slurm's commands: what is queued again, and that it goes on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from splatsr.runs.configuration import CONF

SCRIPT = CONF.parent / "docs" / "train.sbatch"


@pytest.mark.parametrize(("ended", "queued"), [(143, True), (0, False), (1, False)])
def test_only_what_was_told_to_end_is_queued_again(tmp_path: Path, ended: int, queued: bool) -> None:
    for name, content in {
        "srun": f'echo "$@" > {tmp_path}/asked; exit {ended}',
        "scontrol": f'echo "$@" > {tmp_path}/queued',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{content}\n")
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_JOB_ID": "70"}
    done = subprocess.run(["bash", str(SCRIPT), "experiment=ours", "data.root=a b"], env=environment, check=False)
    assert done.returncode == ended
    assert (tmp_path / "asked").read_text().endswith("run.py trainer=slurm resume=auto experiment=ours data.root=a b\n")
    assert (tmp_path / "queued").exists() == queued
    if queued:
        assert (tmp_path / "queued").read_text() == "requeue 70\n"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_job_that_is_queued_again_goes_on(tiny_run: list[str], tmp_path: Path) -> None:
    """The first time Slurm ends it after its first epoch."""
    (tmp_path / "srun").write_text(
        f"""#!/bin/bash
shift; shift
{sys.executable} {CONF.parent}/"$@" trainer=cpu &
training=$!
while [ ! -e {tmp_path}/queued ] && ! compgen -G "{tmp_path}/outputs/train/quickstart/*/checkpoints/last.ckpt" > /dev/null &&
    kill -0 $training 2> /dev/null; do sleep 0.05; done
[ -e {tmp_path}/queued ] || kill -TERM $training
wait $training
"""
    )
    (tmp_path / "scontrol").write_text(f'#!/bin/bash\necho "$@" > {tmp_path}/queued\n')
    for name in ("srun", "scontrol"):
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_JOB_ID": "70"}
    settings = [setting for setting in tiny_run if not setting.startswith("trainer.")]
    command = ["bash", str(SCRIPT), *settings, "trainer.max_epochs=12"]
    assert subprocess.run(command, env=environment, cwd=tmp_path, check=False).returncode == 143
    assert subprocess.run(command, env=environment, cwd=tmp_path, check=False).returncode == 0
    (folder,) = (tmp_path / "outputs/train/quickstart").iterdir()
    assert (folder / "model.safetensors").exists()
    assert len(list((folder / "logs").iterdir())) == 2
