"""The choice of renderer, with faults put into those that would come first. (No GPU: Triton's interpreter, gsplat's double.)"""

import logging
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

import gsplat_double
from kernel_fields import random_field
from splatsr.errors import InputError
from splatsr.splatting import choice, gsplat_sum, splat, use_renderer
from splatsr.splatting.choice import Choice, check_asked, chosen_renderer, draw, first_right
from splatsr.splatting.reference import splat_exact

gpu = pytest.importorskip(
    "splatsr.splatting.gpu", reason="Triton comes with torch's CUDA builds for Linux", exc_type=ImportError
)

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)

pytestmark = pytest.mark.filterwarnings(
    "ignore:(invalid value|divide by zero|overflow):RuntimeWarning"
)  # numpy, of Triton's interpreter


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(choice, "_asked", "auto")
    monkeypatch.setattr(choice, "_chosen", {})
    monkeypatch.setattr(gsplat_sum, "_gsplat", lambda: gsplat_double)
    yield


@pytest.fixture
def on_cuda(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """As if there were a CUDA device with a right Triton renderer; the names of the renderers that are tested."""
    tested: list[str] = []

    def passes(name: str, device: torch.device) -> None:
        assert device.type == "cuda"
        tested.append(name)

    monkeypatch.setattr(choice, "_fault", passes)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    monkeypatch.setattr(torch.cuda, "device", lambda index: torch.device("cpu"))
    return tested


def wrong_image(*field: object) -> Tensor:
    return 1.01 * splat_exact(*field)


def wrong_gradients(means: Tensor, *rest: object) -> Tensor:
    return splat_exact(means.detach() + 2 * (means - means.detach()), *rest)


def wrong_with_a_window(*field: object, reach: tuple[float, float] | None = None) -> Tensor:
    return splat_exact(*field)


def raises(*_: object) -> Tensor:
    raise RuntimeError("no kernel image is available")


def lacks_nvcc() -> object:
    raise AttributeError("'NoneType' object has no attribute 'intersect_tile'")


def test_triton_is_first_where_it_is_right(caplog: pytest.LogCaptureFixture) -> None:
    assert first_right(choice.ON_CUDA, CPU) == Choice("triton", {})
    assert not caplog.records


@pytest.mark.parametrize(
    ("renderer", "said"),
    [
        (wrong_image, "the image differs"), (wrong_gradients, "the gradient of means differs"), (raises, "no kernel image"),
        (wrong_with_a_window, "with a window: the image differs"),
    ],
)  # fmt: skip
def test_gsplat_is_next(
    renderer: Callable[..., Tensor], said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gpu, "splat_gpu", renderer)
    caplog.set_level(logging.INFO)
    found = first_right(choice.ON_CUDA, CPU)
    assert found.name == "gsplat"
    assert said in found.faults["triton"]
    (warning,) = (record for record in caplog.records if record.levelno >= logging.WARNING)
    assert said in warning.getMessage()
    assert "renderer=gsplat" in warning.getMessage()
    assert "takes minutes" in caplog.records[0].getMessage(), "that it compiles is said before it does"


def test_the_processor_is_last(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(gpu, "splat_gpu", raises)
    monkeypatch.setattr(gsplat_sum, "_gsplat", lacks_nvcc)
    found = first_right(choice.ON_CUDA, CPU)
    assert found.name == "cpu"
    assert set(found.faults) == {"triton", "gsplat"}
    (warning,) = (record for record in caplog.records if record.levelname == "WARNING")
    said = ("no kernel image", "could not be compiled", "nvcc and a C++ compiler", "intersect_tile", "renderer=cpu")
    assert all(words in warning.getMessage() for words in said)


def test_what_is_not_installed_is_no_candidate(monkeypatch: pytest.MonkeyPatch, on_cuda: list[str]) -> None:
    monkeypatch.setattr(choice, "is_installed", lambda name: name != "triton")
    assert chosen_renderer(CUDA).name == "gsplat"
    monkeypatch.setattr(choice, "_chosen", {})
    monkeypatch.setattr(choice, "is_installed", lambda name: False)
    assert chosen_renderer(CUDA) == Choice("cpu", {})
    assert on_cuda == ["gsplat"]


def test_once_a_device(on_cuda: list[str]) -> None:
    for device in (CUDA, CUDA, torch.device("cuda", 1), CUDA):
        assert chosen_renderer(device) == Choice("triton", {})
    assert on_cuda == ["triton", "triton"]


@pytest.mark.parametrize(
    ("module", "name"),
    [(torch.cuda, "is_current_stream_capturing"), (torch.compiler, "is_compiling")],
    ids=["graph", "compile"],
)
def test_no_test_while_nothing_may_wait(module: object, name: str, on_cuda: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, name, lambda: True)
        assert chosen_renderer(CUDA).name == "triton"
    assert not on_cuda
    chosen_renderer(CUDA)
    assert on_cuda == ["triton"], "it is made up for"


def test_whoever_asks_gets_it_or_hears_why_not(on_cuda: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    chosen_renderer(CUDA)
    for name in ("gsplat", "cpu", "reference"):
        use_renderer(name)
        assert chosen_renderer(CUDA).name == name
    assert on_cuda == ["triton", "gsplat"]
    monkeypatch.setattr(choice, "_fault", lambda name, device: "all is black")
    use_renderer("triton")
    with pytest.raises(InputError, match=r"renderer=triton .*all is black"):
        chosen_renderer(CUDA)


def test_who_asks_by_name_can_hear_it_early(on_cuda: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    check_asked(CUDA)
    assert not on_cuda, "nothing is tested where nothing would be refused"
    monkeypatch.setattr(choice, "_fault", lambda name, device: "all is black")
    check_asked(CUDA)
    use_renderer("gsplat")
    check_asked(CPU)
    with pytest.raises(InputError, match=r"renderer=gsplat .*all is black"):
        check_asked(CUDA)


def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="renderer must be"):
        use_renderer("cuda")
    with pytest.raises(InputError, match="torch sees none"):
        use_renderer("triton")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(choice, "is_installed", lambda name: False)
    with pytest.raises(InputError, match="not installed"):
        use_renderer("gsplat")


def test_tensors_on_the_processor_are_drawn_there(on_cuda: list[str]) -> None:
    field, size = random_field((7, 9), kernels=5), (7, 9)
    use_renderer("triton")
    assert chosen_renderer(CPU).name == "cpu"
    drawn = splat(*field, size)
    use_renderer("reference")
    assert torch.equal(splat(*field, size), splat_exact(*field, size))
    assert not torch.equal(drawn, splat_exact(*field, size)), "it was another renderer"


@pytest.mark.parametrize("name", ["triton", "gsplat", "cpu", "reference"])
def test_every_name_draws_the_same(name: str) -> None:
    field, size = random_field((7, 9), kernels=5), (7, 9)
    torch.testing.assert_close(draw(name, *field, size), splat_exact(*field, size), rtol=0, atol=1e-5)
