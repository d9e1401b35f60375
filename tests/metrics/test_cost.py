import time
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from composed import settings_of
from splatsr.checkpoints.build import build
from splatsr.metrics import cost
from splatsr.metrics.cost import average_time, memory, one_scale


class Sleeper(nn.Module):
    """Encodes in 4 ms; renders in 1 ms per thousand output pixels."""

    size = (10, 10)
    renders = 0

    def forward(self, lr: Tensor) -> "Sleeper":
        time.sleep(0.004)
        return self

    def render(self, *, scale: float | None = None, size: Sequence[int] | None = None) -> Tensor:
        self.renders += 1
        pixels = 100 * scale**2 if size is None else size[0] * size[1]
        time.sleep(pixels * 1e-6)
        return torch.zeros(1)


def test_average_time_is_encode_shared_plus_mean_render() -> None:
    result = average_time(Sleeper(), (10, 10), [4, 8], repetitions=3, seconds=60)
    assert result.encode_ms >= 4
    assert result.render_ms_at[4] >= 1.6
    assert result.render_ms_at[8] >= 6.4
    assert result.render_ms == pytest.approx((result.render_ms_at[4] + result.render_ms_at[8]) / 2)
    assert result.average_ms == pytest.approx(result.encode_ms / 2 + result.render_ms)
    assert result.measured == [4, 8]


class Remembering(Sleeper):
    """Takes 10 ms more at a scale that is not the last one."""

    last: float | None = None

    def render(self, *, scale: float | None = None, size: Sequence[int] | None = None) -> Tensor:
        time.sleep(0.01 if scale != self.last else 0)
        self.last = scale
        return super().render(scale=scale, size=size)


def test_what_an_image_remembers_of_an_output_is_timed_too() -> None:
    result = average_time(Remembering(), (10, 10), [4, 8], repetitions=3, seconds=60)
    assert min(result.render_ms_at.values()) >= 10


def test_scales_beyond_the_budget_are_interpolated_by_pixels_and_marked() -> None:
    result = average_time(Sleeper(), (10, 10), [4, 5, 8], repetitions=1, seconds=0)
    assert result.measured == [4]  # without a single figure there is nothing to go by
    assert result.render_ms_at[8] == pytest.approx(4 * result.render_ms_at[4])


def test_interpolation_is_linear_in_pixels() -> None:
    assert cost._interpolate(250, {100: 1.0, 400: 7.0}) == pytest.approx(4.0)
    assert cost._interpolate(700, {100: 1.0, 400: 7.0}) == pytest.approx(13.0)  # beyond the last
    assert cost._interpolate(50, {100: 1.0}) == pytest.approx(0.5)


def test_a_long_call_is_timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "LONG", 1.0)
    sleeper = Sleeper()
    cost.median_ms(lambda: sleeper.render(scale=8), 5, torch.device("cpu"))
    assert sleeper.renders == 1


def test_multiply_adds_of_one_scale() -> None:
    """The light heads are at least 6 times cheaper than the published ones, counted and not stated."""
    encoder = ("model.encoder.channels=4", "model.encoder.blocks=1")
    counted = {}
    for name in ("continuoussr", "continuoussr_light"):
        model = build(settings_of(f"model={name}", *encoder)["model"]).eval()
        counted[name] = one_scale(model, 32, 4, repetitions=1).multiply_adds
        heads = sum(part.numel() for head in (model.apd, model.cgm) for part in head.parameters() if part.ndim == 2)
        queries = model.ddcw.query.weight.numel() + 730 * (model.ddcw.query.out_channels + 3)
        keys = 730 * sum(part.numel() for part in model.ddcw.embedding.parameters() if part.ndim == 2)
        lr_pixels = 8 * 8
        encoding = lr_pixels * (3 * 4 * 9 + 3 * 4 * 4 * 9 + 4 * 256 * 9 + 4 * 64 * 256 * 9)  # head, body, two pixel shuffles
        assert counted[name] == pytest.approx(4 * lr_pixels * (heads + queries) + keys + encoding)
        counted[name] = heads + queries
    assert counted["continuoussr"] >= 6 * counted["continuoussr_light"]


def test_memory_is_measured_at_every_scale() -> None:
    peaks = memory(Sleeper(), (4, 5), [2, 3.3])
    assert list(peaks.render_mb_at) == [2, 3.3]
    assert peaks.lr_size == (4, 5)
