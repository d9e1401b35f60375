import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import splatsr
from composed import settings_of
from onnx_models import ENCODERS, HEADS, half_flat, small_model
from splatsr import InputError
from splatsr.checkpoints.build import build
from splatsr.image.field import GaussianField
from splatsr.models.continuoussr import ContinuousSR
from splatsr.onnx_files import export
from splatsr.onnx_files.export import OUTPUTS, for_tiles, whole_image

SIZES = ((64, 96), (33, 47), (2, 19))


def session(content: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def facts(content: bytes) -> dict[str, str]:
    return session(content).get_modelmeta().custom_metadata_map


def assert_equal_to_torch(model: ContinuousSR) -> None:
    runtime = session(whole_image(model, name="a", licence="b"))
    for size in SIZES:
        lr = half_flat(*size)
        with torch.no_grad():
            field = model(lr)
        for name, found in zip(OUTPUTS, runtime.run(list(OUTPUTS), {"lr": lr.numpy()}), strict=True):
            expected = getattr(field, name).numpy()
            assert found.shape == expected.shape
            assert np.abs(found - expected).max() < 1e-4, f"{name}, {size}"


@pytest.mark.parametrize("encoder", [pytest.param(one, marks=pytest.mark.slow) if one == "hat" else one for one in ENCODERS])
def test_what_a_file_computes_is_what_torch_does(encoder: str) -> None:
    assert_equal_to_torch(small_model(encoder))


@pytest.mark.parametrize("heads", HEADS)
def test_with_all_heads_too(heads: str) -> None:
    assert_equal_to_torch(small_model(heads=heads))


@pytest.fixture
def tiny() -> ContinuousSR:
    return splatsr.load("tiny")


def test_the_released_model_on_a_picture_with_its_margin(tiny: ContinuousSR) -> None:
    assert tiny.margin == 4
    assert_equal_to_torch(tiny)


def test_weights_that_half_precision_holds_take_half_the_bytes(tiny: ContinuousSR) -> None:
    content = whole_image(tiny, name="a", licence="b")
    parameters = sum(parameter.numel() for parameter in tiny.parameters())
    assert len(content) < 2.5 * parameters
    tiny.encoder.head[0].weight.data += 1e-5  # a part that does not fit stays in float32
    graph = onnx.load_model_from_string(whole_image(tiny, name="a", licence="b")).graph
    types = {one.name: one.data_type for one in graph.initializer}
    assert types["model.encoder.head.0.weight"] == onnx.TensorProto.FLOAT
    assert types["model.encoder.body.0.body.0.weight.half"] == onnx.TensorProto.FLOAT16


def test_a_file_says_what_it_is(tiny: ContinuousSR) -> None:
    said = facts(whole_image(tiny, name="tiny", licence="CC-BY-SA-4.0"))
    assert {key: said[key] for key in ("name", "licence", "encoder")} == {
        "name": "tiny", "licence": "CC-BY-SA-4.0", "encoder": "EDSR",
    }  # fmt: skip
    assert [json.loads(said[key]) for key in ("margin", "per_side")] == [4, 2]
    assert float(said["reference_scale"]) == torch.inf
    other = facts(whole_image(small_model(heads="one_kernel_bicubic"), name="a", licence="b"))
    assert [json.loads(other[key]) for key in ("margin", "per_side", "reference_scale")] == [7, 1, 2]
    assert {"lr", "kernels", "means", "cholesky", "colors"} <= said.keys()


@pytest.mark.parametrize("encoder", ["edsr", "rdn"])
def test_tiles_are_those_of_the_model(encoder: str) -> None:
    """A rectangle of a large piece: kernels that see enough around them are those of the whole piece."""
    model = small_model(encoder)
    content = for_tiles(model, name="a", licence="b")
    see, lr, (top, bottom, left, right) = json.loads(facts(content)["heads_see"]), half_flat(40, 50), (0, 21, 13, 44)
    found = session(content).run(list(OUTPUTS), {"lr": lr.numpy(), "part": np.array([top, bottom, left, right])})
    size = (bottom - top, right - left)
    field = GaussianField(*(torch.from_numpy(one) for one in found), size, model.reference_scale)
    rows, columns = (0, size[0] - see), (see, size[1] - see)
    with torch.no_grad():
        expected = model.part(lr, rows=rows, columns=(left + see, right - see))
    for name in OUTPUTS:
        torch.testing.assert_close(
            getattr(field.crop(rows=rows, columns=columns), name), getattr(expected, name), rtol=1e-4, atol=2e-5
        )


def test_what_cannot_be_exported_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="Bicubic makes no kernels; choose a ContinuousSR"):
        whole_image(build(settings_of("model=bicubic")["model"]), name="a", licence="b")
    with pytest.raises(InputError, match="a does not work in tiles"):
        for_tiles(small_model(heads="free_and_regressed"), name="a", licence="b")
    monkeypatch.setattr(export, "TOLERANCE", 0)
    with pytest.raises(InputError, match="computes other means than torch, for 16x24 pixels by up to .*: nothing was written"):
        whole_image(small_model(), name="a", licence="b")


@pytest.mark.parametrize("library", ["onnx", "onnxruntime"])
def test_a_missing_library_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, library, None)
    with pytest.raises(InputError, match=rf"{library} is not installed: pip install 'splatsr\[export\]'"):
        whole_image(small_model(), name="a", licence="b")
