import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from composed import settings_of
from splatsr import InputError
from splatsr.checkpoints.build import build
from splatsr.geometry import resolve_output
from splatsr.image.model import Model
from splatsr.large_images import memory, renderer, strip_rows
from splatsr.large_images.renderer import Renderer
from splatsr.models.bicubic import Bicubic
from splatsr.models.continuoussr import ContinuousSR
from splatsr.resize.levels import to_tensor, to_uint8

NARROW = ["model.encoder.channels=8", "model.encoder.out_channels=8"]


@pytest.fixture
def model() -> ContinuousSR:
    return small_model()


def small_model() -> ContinuousSR:
    """A small EDSR model whose overlap, 8 pixels, is what it sees, and that continues images; random weights everywhere."""
    built = build(settings_of("model=continuoussr_tiny", *NARROW, "model.encoder.blocks=2")["model"]).eval()
    for parameter in built.parameters():
        nn.init.normal_(parameter, std=0.1)
    return built


def photo(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def rendered(model: nn.Module, lr: np.ndarray, tile: Any, **wanted: Any) -> np.ndarray:
    pieces = list(Renderer(model, tile).strips(lr, resolve_output(lr.shape[:2], **wanted), lambda _: None))
    return np.concatenate(pieces)


@torch.inference_mode()
def whole(model: nn.Module, lr: np.ndarray, **wanted: Any) -> Tensor:
    return model(to_tensor(lr)[None]).render(**wanted)[0]


@pytest.mark.parametrize(
    ("size", "tile", "wanted"),
    [
        ((50, 43), 16, {"scale": 2.7}),
        ((50, 43), 7, {"scale": (3, 1.4)}),
        ((50, 43), 43, {"size": (91, 200)}),
        ((37, 60), 20, {"scale": 0.6}),
        ((1, 70), 16, {"scale": 4}),
        ((70, 1), 16, {"scale": 3.3}),
        ((20, 30), 1000, {"scale": 4}),
    ],
)
def test_tiles_and_strips_make_the_whole_image(
    model: ContinuousSR, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], tile: int, wanted: dict
) -> None:
    monkeypatch.setattr(strip_rows, "STRIP_BYTES", 30_000)  # several strips for each row of tiles
    monkeypatch.setattr(Renderer, "_rendered", lambda self, render, like: render()[0].permute(1, 2, 0).numpy())
    lr = photo(*size)
    expected = whole(model, lr, **wanted).permute(1, 2, 0).numpy()
    made = rendered(model, lr, tile, **wanted)
    assert made.shape == expected.shape
    error = np.abs(made - expected)
    assert (error < 3e-5).mean() > 0.999
    assert error.max() < 1 / 255, "a kernel may cross the cut at 1/255 of its color"


@settings(max_examples=10)
@given(
    size=st.tuples(st.integers(2, 40), st.integers(2, 40)), tile=st.integers(7, 45),
    scale=st.tuples(*[st.floats(0.5, 4.5)] * 2), strip_bytes=st.integers(100, 50_000),
)  # fmt: skip
def test_tiles_of_any_size_make_the_whole_image(
    size: tuple[int, int], tile: int, scale: tuple[float, float], strip_bytes: int
) -> None:
    model, lr = small_model(), photo(*size)
    expected = to_uint8(whole(model, lr, scale=scale))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strip_rows, "STRIP_BYTES", strip_bytes)
        made = rendered(model, lr, tile, scale=scale)
    assert made.shape == expected.shape
    assert np.abs(made.astype(int) - expected).max() <= 1, "no more than rounding"


def test_too_little_overlap_would_show(model: ContinuousSR) -> None:
    lr = photo(50, 43)
    expected = whole(model, lr, scale=2)
    short_sighted = Renderer(model, 16)
    short_sighted.tiling = short_sighted.tiling._replace(overlap=2)
    made = np.concatenate(list(short_sighted.strips(lr, resolve_output((50, 43), scale=2), lambda _: None)))
    assert np.abs(made.astype(int) - to_uint8(expected)).max() > 2


def test_each_tile_is_encoded_once_with_its_overlap(model: ContinuousSR) -> None:
    model.margin = 0
    sides = []
    hook = model.encoder.register_forward_pre_hook(lambda _, inputs: sides.append(tuple(inputs[0].shape[-2:])))
    shares = []
    list(Renderer(model, 20).strips(photo(60, 40), resolve_output((60, 40), scale=2), shares.append))
    hook.remove()
    assert sorted(sides) == sorted([(28, 28)] * 4 + [(36, 28)] * 2)
    assert len(shares) >= 6
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize(
    ("overrides", "encoding"), [(["model=liif"], 1 / 10), (["model=continuoussr_tiny", "model/positions=free_tiny"], 1 / 2)]
)
def test_where_every_pixel_is_decoded_the_encoding_counts_by_its_pixels(overrides: list[str], encoding: float) -> None:
    model, shares = build(settings_of(*overrides, *NARROW, "model.encoder.blocks=1")["model"]).eval(), list[float]()
    assert model.tiling is None
    list(Renderer(model, "auto").strips(photo(12, 10), resolve_output((12, 10), scale=3), shares.append))
    assert shares[0] == pytest.approx(encoding)
    assert shares[-1] == 1


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_tiles_are_halved_when_memory_runs_out(
    model: ContinuousSR, error: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = ContinuousSR.part

    def limited(self: ContinuousSR, lr: Tensor, **core: Any) -> Any:
        if lr.shape[-1] > 40:
            raise error
        return part(self, lr, **core)

    model.margin, lr = 0, photo(50, 70)
    expected = to_uint8(whole(model, lr, scale=2))
    monkeypatch.setattr(ContinuousSR, "part", limited)
    made = rendered(model, lr, 60, scale=2)
    assert np.abs(made.astype(int) - expected).max() <= 1
    messages = [record.message for record in caplog.records]
    assert messages == ["out of memory with tiles of 60 LR pixels: going on with 30"]


def test_where_no_tile_fits_there_is_one_clear_line(model: ContinuousSR, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(self: ContinuousSR, lr: Tensor, **_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(ContinuousSR, "part", exhausted)
    with pytest.raises(InputError, match="out of memory with tiles of 16 LR pixels, the smallest"):
        rendered(model, photo(30, 30), 20, scale=2)


def test_other_errors_are_not_taken_for_a_lack_of_memory(model: ContinuousSR, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: ContinuousSR, lr: Tensor, **_: Any) -> Any:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(ContinuousSR, "part", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        rendered(model, photo(30, 30), 20, scale=2)


def test_window_transformers_say_that_tiles_are_not_exact(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    small = ["model.encoder.channels=12", "model.encoder.depths=[2]", "model.encoder.heads=[2]", "model.encoder.out_channels=8"]
    built = build(settings_of("model=continuoussr_tiny", "model/encoder=swinir", *small)["model"]).eval()
    lr = photo(70, 20)
    made = rendered(built, lr, 24, scale=2)
    assert "SwinIR looks further than their overlap of 32" in caplog.text
    assert np.abs(made.astype(int) - to_uint8(whole(built, lr, scale=2))).max() <= 1, "two blocks see less than the overlap"


def test_bicubic_needs_no_tiles_and_renders_in_strips(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(strip_rows, "STRIP_BYTES", 30_000)
    lr = photo(50, 43)
    for wanted in ({"scale": 4}, {"scale": 2.7}, {"scale": 0.4}):
        made, expected = rendered(Bicubic(), lr, 16, **wanted), to_uint8(whole(Bicubic(), lr, **wanted))
        assert made.shape == expected.shape
        assert np.abs(made.astype(int) - expected).max() <= 1
        assert (made != expected).mean() < 1e-3
    assert not caplog.records


class Doubled:
    """A continuous image that only renders as a whole."""

    def __init__(self, lr: Tensor) -> None:
        self.lr, self.size = lr, (lr.shape[-2], lr.shape[-1])

    def render(self, *, size: Sequence[int] | None = None, scale: Any = None) -> Tensor:
        assert size is None
        return nn.functional.interpolate(self.lr, scale_factor=scale)


class Untiled(Model):
    has_weights = True

    def forward(self, lr: Tensor) -> Doubled:
        return Doubled(lr)


def test_a_model_that_says_nothing_about_tiles_is_run_whole(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    lr = photo(20, 30)
    assert np.array_equal(rendered(Untiled(), lr, 16, scale=2), lr.repeat(2, 0).repeat(2, 1))
    assert "Untiled does not work in tiles: the image is encoded as a whole" in caplog.text
    assert not Renderer(Untiled(), "auto").in_strips((9, 7))
    assert Renderer(Bicubic(), "auto").in_strips((9, 7))


class InPieces(Bicubic):
    has_weights = True
    piece = 8


def test_what_is_made_of_pieces_comes_whole_where_there_are_several() -> None:
    renderer = Renderer(InPieces(), "auto")
    assert renderer.in_strips((8, 8))
    assert not renderer.in_strips((8, 9))
    assert renderer.least_memory((10**6, 10**6), resolve_output((10**6, 10**6), scale=2)) == 0


class Heavy(Untiled):
    """Holds 400 bytes for every LR pixel at once."""

    def forward(self, lr: Tensor) -> Doubled:
        return Doubled(lr + lr.new_zeros(100, *lr.shape[-2:]).amax(0))


@pytest.mark.parametrize("strips", [True, False])
def test_what_networks_take_of_a_large_picture_is_known_before_it_is_made(strips: bool) -> None:
    class Made(Heavy, Bicubic):
        def forward(self, lr: Tensor) -> Any:
            return Bicubic.forward(self, Heavy.forward(self, lr).lr) if strips else Heavy.forward(self, lr)

    renderer, size = Renderer(Made(), "auto"), (3000, 2000)
    least = renderer.least_memory(size, resolve_output(size, scale=2))
    assert 400 * 6e6 < least < (440 if strips else 600) * 6e6
    assert renderer.least_memory((200, 200), resolve_output((200, 200), scale=2)) == 0
    assert Renderer(Bicubic(), "auto").least_memory(size, resolve_output(size, scale=2)) == 0


@pytest.mark.parametrize("tile", [0, -3, 1.5, "large", True, None])
def test_impossible_tiles_are_refused(tile: Any) -> None:
    with pytest.raises(InputError, match="tile must be auto"):
        Renderer(Bicubic(), tile)


def test_automatic_tiles_depend_on_memory(model: ContinuousSR, monkeypatch: pytest.MonkeyPatch) -> None:
    model.margin, lr = 0, photo(60, 50)
    monkeypatch.setattr(renderer, "SMALL", 100)
    sides = []
    model.encoder.register_forward_pre_hook(lambda _, inputs: sides.append(max(inputs[0].shape[-2:])))
    monkeypatch.setattr(memory, "budget", lambda _: 0.0)
    made = rendered(model, lr, "auto", scale=1)
    assert max(sides[4:]) <= memory.SMALLEST + 2 * 8, "two measurements of two sizes, then tiles"
    monkeypatch.setattr(memory, "budget", lambda _: 1e12)
    sides.clear()
    assert np.abs(made.astype(int) - rendered(model, lr, "auto", scale=1)).max() <= 1
    assert sides[2:] == [60]


@pytest.mark.parametrize("tile", [8, 1000])
def test_what_a_damaged_model_makes_is_refused(model: ContinuousSR, tile: int) -> None:
    for parameter in model.parameters():
        parameter.data.mul_(1e30)
    with pytest.raises(InputError, match="ContinuousSR makes kernels that are not finite"):
        rendered(model, photo(12, 9), tile, scale=2)


def test_values_that_are_not_finite_are_refused_where_the_kernels_are(model: ContinuousSR) -> None:
    model.cgm.grey = None  # whose mean would be infinite, and so the kernels
    torch.nn.init.constant_(model.cgm.mlp.last.bias, 3e38)
    with pytest.raises(InputError, match="ContinuousSR makes values that are not finite"):
        rendered(model, photo(12, 9), "auto", scale=2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_kind_that_comes_in_comes_out(model: ContinuousSR, dtype: type, channels: int) -> None:
    top = np.iinfo(dtype).max
    lr = np.random.default_rng(0).integers(0, top, (12, 9, channels), dtype, endpoint=True)
    made = rendered(model, lr, "auto", scale=2)
    assert (made.dtype, made.shape) == (dtype, (24, 18, channels))
    values = whole(model, (lr / top).astype(np.float32).repeat(3 // channels, 2), scale=2).clamp(0, 1)
    expected = (values.mean(0, keepdim=True) if channels == 1 else values).permute(1, 2, 0).numpy()
    assert np.abs(made / top - expected).max() <= 0.6 / top + 1e-5


@pytest.mark.parametrize("tile", [9, 20, "auto"])
def test_bands_are_the_images_field(model: ContinuousSR, tile: int | str) -> None:
    """Of the continued image, told as they come."""
    lr, shares = photo(30, 25), []
    bands = list(Renderer(model, tile).bands(lr, shares.append))
    with torch.inference_mode():
        expected = model(to_tensor(lr)[None])
    assert shares == sorted(shares) and shares[-1] == 1
    joined = bands[0].join([[band] for band in bands]).framed(model.margin)
    assert (joined.size, joined.margin) == (expected.size, expected.margin)
    for name in ("means", "cholesky", "colors"):
        torch.testing.assert_close(getattr(joined, name), getattr(expected, name), atol=1e-4, rtol=1e-4)


def test_models_of_fields_are_known(model: ContinuousSR) -> None:
    assert Renderer(model, "auto").makes_fields
    assert not Renderer(Bicubic(), "auto").makes_fields
