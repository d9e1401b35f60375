"""What stays in float32 is what the claim of a level rests on; the models of the suite have first weights here."""

import pytest
import torch
from skimage.data import astronaut

from composed import settings_of
from splatsr import load
from splatsr.checkpoints.build import build
from splatsr.image.model import Model
from splatsr.image.precision import computing_in, has_bfloat16, in_float32
from splatsr.resize.levels import to_tensor

SMALL_SWINIR = [
    "model/encoder=swinir", "model.encoder.channels=24", "model.encoder.depths=[2]", "model.encoder.heads=[2]",
    "model.encoder.out_channels=12",
]  # fmt: skip
SMALL_RDN = ["model/encoder=rdn", "model.encoder.blocks=2", "model.encoder.layers=2"]


def photo() -> torch.Tensor:
    return to_tensor(astronaut()[60:92, 200:240])[None]


@torch.inference_mode()
def off_by(model: Model) -> float:
    """Levels of 255 between bfloat16 and float32, at x3."""
    rendered = []
    for model.precision in (torch.float32, torch.bfloat16):
        rendered.append(model(photo()).render(scale=3))
    return 255 * (rendered[0] - rendered[1]).abs().max().item()


@pytest.mark.parametrize("encoder", [[], SMALL_SWINIR, SMALL_RDN])
def test_no_pixel_moves_by_a_level_and_something_is_computed_in_half_precision(encoder: list[str]) -> None:
    torch.manual_seed(0)
    assert 1e-4 < off_by(build(settings_of("model=continuoussr_light", *encoder)["model"]).eval()) < 1


def test_the_model_in_the_box_moves_by_less_than_a_level() -> None:
    assert 1e-4 < off_by(load("tiny")) < 1


@torch.inference_mode()
def test_fields_are_float32_whole_or_in_parts() -> None:
    model = load("tiny")
    model.precision = torch.bfloat16
    model.margin = 0
    field, part = model(photo()), model.part(photo(), rows=(0, 32), columns=(0, 40))
    for values, others in zip(
        (field.means, field.cholesky, field.colors), (part.means, part.cholesky, part.colors), strict=True
    ):
        assert values.dtype == torch.float32
        assert torch.equal(values, others)


def test_in_float32_is_the_layer_alone_outside_and_exact_within() -> None:
    layer, x = torch.nn.Linear(7, 5), torch.randn(3, 7)
    with computing_in(torch.bfloat16, x.device):
        assert layer(x).dtype == torch.bfloat16
        within = in_float32(layer, x)
    assert torch.equal(within, layer(x))
    double, wide = layer.double(), x.double()
    assert in_float32(double, wide).dtype == torch.float64
    with computing_in(torch.float32, x.device):
        assert torch.equal(in_float32(double, wide), double(wide))


@pytest.mark.parametrize(
    ("capabilities", "expected"), [({"avx512_bf16": True}, True), ({"avx2": True, "avx512_bf16": False}, False), ({}, False)]
)
def test_a_processor_says_itself_whether_it_has_bfloat16(
    capabilities: dict[str, bool], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert has_bfloat16(torch.device("cpu")) is expected
