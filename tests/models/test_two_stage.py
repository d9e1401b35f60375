import pytest
import torch

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.checkpoints.files import load_model, save_model
from splatsr.geometry import resolve_output
from splatsr.models.bicubic import Bicubic
from splatsr.models.two_stage import RestoredImage

NARROW = (
    "model=two_stage", "model.restoration.encoder.channels=16", "model.restoration.encoder.out_channels=16",
    "model.restoration.encoder.depths=[1,1,1,1]", "model.sr.encoder.blocks=1", "model.sr.encoder.channels=8",
    "model.sr.encoder.out_channels=8", "model.sr.hidden=[16]",
)  # fmt: skip


def settings(order: str) -> dict:
    return settings_of(*NARROW, f"model.order={order}")["model"]


@torch.inference_mode()
def test_both_orders_are_one_network_after_the_other() -> None:
    lr = torch.rand(2, 3, 9, 12)
    first, second = (build(settings(order)).eval() for order in ("restoration_first", "sr_first"))
    second.load_state_dict(first.state_dict())
    derain, sr = first.restoration, first.sr
    restored = derain(lr).render(size=(9, 12)).clamp(0, 1)
    torch.testing.assert_close(first(lr).render(size=(20, 31)), sr(restored).render(size=(20, 31)))
    enlarged = sr(lr).render(scale=2.5).clamp(0, 1)
    expected = derain(enlarged).render(scale=1)
    torch.testing.assert_close(second(lr).render(scale=2.5), expected)
    assert second(lr).size == (9, 12)
    assert not torch.allclose(first(lr).render(scale=2.5), expected, atol=1e-3)
    assert (first.name, second.name) == ("DRSformer+LIIF", "LIIF+DRSformer")
    assert first.rendering.startswith("DRSformer then LIIF;")
    assert second.rendering.startswith("LIIF then DRSformer;")


@pytest.mark.parametrize("scale", [2.7, 4.5, (1.3, 2.7)])
def test_what_is_restored_last_is_drawn_at_the_nominal_scale(scale: float | tuple[float, float]) -> None:
    """Methods that know a scale draw another picture at the one that whole pixels make of it."""

    class Nominal:
        size = (13, 11)

        def render(self, *, size: object = None, scale: object = None) -> torch.Tensor:
            asked.append((size, scale))
            return torch.zeros(1, 3, *resolve_output(self.size, size=size, scale=scale).size)

    asked: list = []
    found = RestoredImage(Nominal(), Bicubic()).render(scale=scale)
    assert asked == [(None, scale)]
    assert found.shape[-2:] == resolve_output((13, 11), scale=scale).size


@pytest.mark.parametrize("sr", ["gaussiansr", "ciaosr", "continuoussr_tiny", "fixed_scale"])
def test_any_model_can_enlarge(sr: str) -> None:
    chosen = settings_of("model=two_stage", f"model@model.sr={sr}")["model"]["sr"]
    assert chosen == settings_of(f"model={sr}")["model"]


@torch.inference_mode()
def test_it_is_kept_as_one_file(tmp_path: object) -> None:
    path, lr = f"{tmp_path}/both.safetensors", torch.rand(1, 3, 8, 8)
    model = build(settings("restoration_first")).eval()
    save_model(model, settings("restoration_first"), path)
    torch.testing.assert_close(load_model(path)(lr).render(scale=2), model(lr).render(scale=2))
