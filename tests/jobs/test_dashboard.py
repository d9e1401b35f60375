"""job=dashboard, with a stub in place of W&B."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
import wandb

from composed import protocol_of, settings_of
from splatsr.errors import InputError
from splatsr.jobs import dashboard as job
from splatsr.metrics.logged_names import logged_name
from splatsr.runs.workspace import SECTIONS, make_workspace

LOGGED = (
    *("train/loss", "train/gradient_norm", "train/images_per_second", "lr-Adam", "val/psnr", "val/psnr_best", "val/ssim"),
    logged_name("val", protocol_of("l_pil"), "psnr_y", "set5", 4),
    logged_name("test", protocol_of("l_pil"), "psnr_y", "set5", 4),
)
"""What a training logs."""


def test_every_figure_has_a_panel_and_every_panel_of_curves_a_figure() -> None:
    curves = [panel.names for panels in SECTIONS.values() for panel in panels if not panel.pictures]
    assert [name for name in LOGGED if not any(re.search(names, name) for names in curves)] == []
    assert [names for names in curves if not any(re.search(names, name) for name in LOGGED)] == []


def test_a_workspace_has_the_sections_in_their_order() -> None:
    stub = SimpleNamespace(Workspace=SimpleNamespace, Section=SimpleNamespace, MediaBrowser=SimpleNamespace, LinePlot=dict)
    made = make_workspace(stub, stub, entity="me", project="splatsr", name="view")
    assert [section.name for section in made.sections] == list(SECTIONS)
    assert made.sections[0].panels[0] == {"title": "loss", "metric_regex": "^train/loss$"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # wandb-workspaces on pydantic 2
def test_the_job_saves_the_view_and_says_where(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    saved: list[Any] = []

    def made(*_: Any, **what: Any) -> SimpleNamespace:
        return SimpleNamespace(save=lambda: saved.append(what), url="https://wandb.ai/me/mine?nw=1")

    pytest.importorskip("wandb_workspaces")
    monkeypatch.setattr(job, "make_workspace", made)
    monkeypatch.setattr(wandb, "login", lambda **_: True)
    monkeypatch.setattr(wandb, "Api", lambda: SimpleNamespace(default_entity="me"))
    job.dashboard(logger=settings_of("logger=wandb", "logger.wandb.project=mine")["logger"])
    assert saved == [{"entity": "me", "project": "mine", "name": "SplatSR"}]
    assert capsys.readouterr().out == "the view SplatSR: https://wandb.ai/me/mine?nw=1\n"


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="give logger=wandb"):
        job.dashboard(logger=settings_of()["logger"])
    monkeypatch.setattr(job, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"splatsr\[dashboard\]"):
        job.dashboard(logger=settings_of("logger=wandb")["logger"])
