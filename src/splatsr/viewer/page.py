"""One HTML file that shows continuous images in a browser: its own code, and the kernels, inlined. It needs no network."""

import html
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from splatsr.errors import InputError
from splatsr.image.field import GaussianField
from splatsr.resize.levels import to_uint8
from splatsr.viewer.network import Network, fragment
from splatsr.viewer.planes import LARGEST_SIDE, planes_of

_HERE = Path(__file__).parent
_SCRIPTS = ("field.js", "renderer.js", "viewer.js", "controls.js")

_OF_NETWORKS = " blob: 'wasm-unsafe-eval'; worker-src blob:"
"""What of the page's own may run, besides its scripts, where it runs a network: still nothing from elsewhere."""

PRECISIONS = ("float16", "float32")
"""What the kernels' numbers are embedded in."""


class Subject(NamedTuple):
    """A picture of the page.

    Attributes:
        name: what it is called.
        fields: by name: the one that is shown, and others of the same LR size to compare with.
        lr: the LR image; None: what the field shows at x1 takes its place.
        pictures: by name, to compare with: they lie over the LR image, whatever their size.
    """

    name: str
    fields: Sequence[tuple[str, GaussianField]]
    lr: UInt8[np.ndarray, "h w 3"] | None
    pictures: Sequence[tuple[str, UInt8[np.ndarray, "_ _ 3"]]] = ()


def page_of(subjects: Sequence[Subject], *, title: str, precision: str = "float16", network: Network | None = None) -> str:
    """The page, as text; with a `network` it also shows pictures that are dropped into it, and need not hold any.

    Raises:
        InputError: there is nothing to show, fields or pictures of a subject do not go together, or as `planes_of`.
    """
    if not subjects and network is None:
        raise InputError("there is no picture to make a page of.")
    data: list[bytes] = []
    facts: dict[str, Any] = {"pictures": [_facts(subject, precision, data) for subject in subjects]}
    if network is not None:
        facts["network"] = network.facts
    embedded = [f'<script type="application/json" id="facts">{_inert(json.dumps(facts))}</script>']
    inert = {f"data{index}": content for index, content in enumerate(data)}
    for identifier, content in {**inert, **({} if network is None else network.parts)}.items():
        attributes = f'type="application/octet-stream" id="{identifier}" data-length="{len(content)}"'
        embedded.append(f"<script {attributes}>{_digits(content)}</script>")
    scripts, style = [_read(name) for name in _SCRIPTS], [_read("page.css")]
    if network is not None:
        embedded += [fragment(network), f'<script type="text/plain" id="worker">{_read("with_model/worker.js")}</script>']
        scripts.insert(0, _read("with_model/drop.js"))
        style.append(_read("with_model/drop.css"))
    parts = {
        "title": html.escape(title),
        "policy": "" if network is None else _OF_NETWORKS,
        "style": "\n".join(style),
        "data": "\n".join(embedded),
        "field.glsl": _read("field.glsl"),
        "picture.glsl": _read("picture.glsl"),
        "scripts": "\n</script>\n<script>\n".join(scripts),
    }
    pieces = _read("page.html").split("{{")
    return pieces[0] + "".join(parts[name] + rest for name, rest in (piece.split("}}", 1) for piece in pieces[1:]))


def _facts(subject: Subject, precision: str, data: list[bytes]) -> dict[str, Any]:
    """What the page's JSON says of a picture; the rest is appended to `data`."""
    size = subject.fields[0][1].size
    fields, pictures = [], []
    for name, field in subject.fields:
        if field.size != size:
            raise InputError(
                f"{subject.name}: {name} is a field for {field.size[1]}x{field.size[0]} LR pixels, the one that it is to be "
                f"compared with for {size[1]}x{size[0]}."
            )
        facts, content = planes_of(field, precision)
        fields.append({"name": name, "data": f"data{len(data)}", **facts})
        data.append(content)
    lr, caption = subject.lr, "Bicubic"
    if lr is None:
        lr, caption = to_uint8(subject.fields[0][1].first().float().render(size=size)[0]), "Bicubic of the field at x1"
    if lr.shape[:2] != size:
        raise InputError(f"{subject.name}: a field for {size[1]}x{size[0]} pixels, and a picture of {_words(lr)}.")
    for name, picture in [(caption, lr), *subject.pictures]:
        if abs(picture.shape[1] * size[0] - picture.shape[0] * size[1]) > max(size) * max(picture.shape[0] // size[0], 1):
            raise InputError(
                f"{subject.name}: {name}, {_words(picture)}, has not the proportions of {size[1]}x{size[0]} pixels."
            )
        if max(picture.shape[:2]) > LARGEST_SIDE:
            raise InputError(f"{subject.name}: {name} has {_words(picture)}; the page shows at most {LARGEST_SIDE} a side.")
        pictures.append({"name": name, "data": f"data{len(data)}"})
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "WEBP", lossless=True)
        data.append(file.getvalue())
    return {"name": subject.name, "size": list(size), "fields": fields, "pictures": pictures}


def _read(name: str) -> str:
    """One of the page's own files; none of them may end the element that it is put into."""
    text = (_HERE / name).read_text(encoding="utf-8")
    if name != "page.html" and "</s" in text:
        raise ValueError(f"{name} holds </s, which would end the element that it is put into.")
    return text.strip()


def _digits(content: bytes) -> str:
    """Bytes as text, five characters for four, of which none can end the element."""
    words = np.frombuffer(content + bytes(-len(content) % 4), ">u4").astype(np.int64)
    digits = words[:, None] // 85 ** np.arange(4, -1, -1) % 85 + ord("#")
    digits[digits == ord("<")] = ord("x")
    return digits.astype(np.uint8).tobytes().decode("ascii")


def _inert(text: str) -> str:
    """JSON that no name of a file can end."""
    return text.replace("<", "\\u003c")


def _words(picture: UInt8[np.ndarray, "h w 3"]) -> str:
    return f"{picture.shape[1]}x{picture.shape[0]} pixels"
