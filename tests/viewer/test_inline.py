import html
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import splatsr
from splatsr import GaussianField, InputError


def facts_of(text: str) -> dict:
    return json.loads(re.search(r'id="facts">(.*?)</script>', text, re.DOTALL)[1])


def test_a_notebook_shows_the_page_of_a_field_in_a_frame(tmp_path: Path) -> None:
    field = GaussianField(torch.rand(1, 12, 2) * 3, torch.full((1, 12, 3), 0.4), torch.rand(1, 12, 3), (3, 4))
    page = splatsr.view(field, height=300)
    framed = re.fullmatch(
        r'<iframe style="[^"]*height: 300px[^"]*" title="[^"]*" srcdoc="([^"]*)"></iframe>', page._repr_html_()
    )
    assert html.unescape(framed[1]) == page.text
    assert facts_of(page.text)["pictures"][0]["size"] == [3, 4]
    page.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == page.text


@pytest.mark.parametrize("number", [torch.float16, torch.bfloat16, torch.float64])
def test_fields_of_any_floating_point_numbers_are_shown(number: torch.dtype) -> None:
    field = GaussianField(*(torch.rand(1, 4, count).to(number) for count in (2, 3, 3)), (2, 2))
    assert splatsr.view(field).text == splatsr.view(field.float()).text


def test_a_picture_goes_through_the_model(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((5, 6, 3), np.uint8)).save(tmp_path / "a.png")
    (picture,) = facts_of(splatsr.view(tmp_path / "a.png").text)["pictures"]
    assert (picture["name"], picture["size"], [one["name"] for one in picture["fields"]]) == ("a.png", [5, 6], ["tiny"])


def test_a_saved_field_is_shown_as_it_is(tmp_path: Path) -> None:
    field = GaussianField(torch.rand(1, 12, 2) * 3, torch.full((1, 12, 3), 0.4), torch.rand(1, 12, 3), (3, 4))
    for name in ("a.splat", "a.safetensors"):
        field.save(tmp_path / name)
        (picture,) = facts_of(splatsr.view(tmp_path / name).text)["pictures"]
        assert (picture["size"], [one["name"] for one in picture["fields"]]) == ([3, 4], ["a"])


def test_what_cannot_be_shown_is_said(tmp_path: Path) -> None:
    field = GaussianField(torch.rand(1, 12, 2), torch.ones(1, 12, 3), torch.rand(1, 12, 4), (3, 4))
    with pytest.raises(InputError, match="fields of 3 channels"):
        splatsr.view(field)
    with pytest.raises(InputError, match="precision must be one of float16, float32"):
        splatsr.view(field, precision="float8")
    with pytest.raises(InputError, match=r"nothing\.png"):
        splatsr.view(tmp_path / "nothing.png")
