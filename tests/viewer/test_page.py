import json
import re

import numpy as np
import pytest
import torch

from splatsr.errors import InputError
from splatsr.image.field import GaussianField
from splatsr.viewer import page
from splatsr.viewer.page import Subject, page_of


def one_field(size: tuple[int, int] = (3, 4)) -> GaussianField:
    count = size[0] * size[1]
    return GaussianField(torch.rand(1, count, 2), torch.rand(1, count, 3) + 0.2, torch.rand(1, count, 3), size)


def facts(text: str) -> list[dict]:
    (content,) = re.findall(r'id="facts">(.*?)</script>', text, re.DOTALL)
    return json.loads(content)["pictures"]


def test_names_cannot_leave_their_place() -> None:
    name = "</script><script>alert(1)</script> {{data}} & <b>"
    lr = np.zeros((3, 4, 3), np.uint8)
    text = page_of([Subject(name, [(name, one_field())], lr, [(name, lr)])], title=name)
    assert "alert(1)</script>" not in text
    assert "<title>&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt; {{data}} &amp; &lt;b&gt;</title>" in text
    (picture,) = facts(text)
    assert [picture["name"], picture["fields"][0]["name"], picture["pictures"][1]["name"]] == [name] * 3


def test_nothing_is_asked_for_from_elsewhere() -> None:
    text = page_of([Subject("a", [("b", one_field())], None)], title="t")
    assert not re.search(r"""(src|href)\s*=|url\(|@import|\bimport\b|https?:""", text)
    assert "default-src 'none'" in text


def test_without_an_lr_image_the_field_at_x1_takes_its_place() -> None:
    text = page_of([Subject("a", [("b", one_field())], None)], title="t")
    assert [one["name"] for one in facts(text)[0]["pictures"]] == ["Bicubic of the field at x1"]


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (Subject("a", [("b", one_field())], np.zeros((4, 3, 3), np.uint8)), "a field for 4x3 pixels, and a picture of 3x4"),
        (Subject("a", [("b", one_field()), ("c", one_field((4, 4)))], None), "c is a field for 4x4 LR pixels"),
        (Subject("a", [("b", one_field())], None, [("c", np.zeros((50, 30, 3), np.uint8))]), "has not the proportions of 4x3"),
        (
            Subject("a", [("b", one_field((1, 4)))], None, [("c", np.broadcast_to(np.uint8(0), (2050, 8200, 3)))]),
            "c has 8200x2050 pixels; the page shows at most 8192 a side",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(subject: Subject, said: str) -> None:
    with pytest.raises(InputError, match=said):
        page_of([subject], title="t")
    with pytest.raises(InputError, match="no picture"):
        page_of([], title="t")


def test_originals_that_are_no_multiple_are_taken() -> None:
    """A picture of 13x10 pixels, made 3 times smaller and rounded."""
    page_of([Subject("a", [("b", one_field())], None, [("c", np.zeros((10, 13, 3), np.uint8))])], title="t")


def test_the_code_is_short() -> None:
    """Under 900 lines of JavaScript, that of pages with a model included, and under 300 of shaders."""
    for ending, files, most in (("js", 6, 900), ("glsl", 2, 300)):
        own = list(page._HERE.rglob(f"*.{ending}"))
        assert len(own) == files
        lines = [line.strip() for path in own for line in path.read_text().splitlines()]
        assert len([line for line in lines if line and not line.startswith(("//", "/*", "*"))]) < most
