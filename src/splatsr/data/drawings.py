"""Pictures made by code, to train on beside photographs: text, lines, shapes, gradients and flat pages, which photographs lack.

Without them a model has never seen a white page, and renders it by what it knows of clouds.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

SIDE = 384

_FINER = 3
"""Most drawings are made so many times as large and reduced by means: edges are then as soft as a camera makes them."""

_LETTERS = "etaoinshrdlucmfwypvbgkqjxzETAOINSHRDLU0123456789.,;:-()+=%&?!"

Rgb = tuple[int, int, int]


def drawing(index: int) -> UInt8[np.ndarray, "side side 3"]:
    """The drawing of that number, `SIDE` pixels wide: always the same, kinds in turn."""
    random = np.random.default_rng([index, 20_000])
    kind = _KINDS[index % len(_KINDS)]
    finer = 1 if random.random() < 0.2 else _FINER
    paper, ink = _paper_and_ink(random)
    image = Image.new("RGB", (SIDE * finer, SIDE * finer), paper)
    kind(image, random, finer, ink)
    return np.asarray(image.reduce(finer) if finer > 1 else image)


def _paper_and_ink(random: np.random.Generator) -> tuple[Rgb, Rgb]:
    """Half are black or grey on white; some the other way round, some of any colors."""
    choice = random.random()
    grey = int(random.integers(0, 160))
    if choice < 0.6:
        return (255, 255, 255), (grey,) * 3 if choice < 0.5 else _color(random)
    if choice < 0.75:
        return (0, 0, 0), (255 - grey,) * 3
    return _color(random), _color(random)


def _color(random: np.random.Generator) -> Rgb:
    red, green, blue = random.integers(0, 256, 3).tolist()
    return red, green, blue


def _text(image: Image.Image, random: np.random.Generator, finer: int, ink: Rgb) -> None:
    """Lines of made-up words, from 7 to 40 pixels high."""
    pen, top = ImageDraw.Draw(image), random.uniform(2, 30) * finer
    while top < image.height:
        size = float(np.exp(random.uniform(np.log(7), np.log(40)))) if random.random() < 0.3 else float(random.uniform(8, 18))
        font = ImageFont.load_default(size * finer)
        for _ in range(random.integers(1, 6)):
            left = random.uniform(2, 20) * finer
            words = "".join(random.choice(list(_LETTERS + "      "), int(1.8 * SIDE / size)))
            pen.text((left, top), words, fill=ink, font=font)
            top += 1.3 * size * finer
        top += random.uniform(0, 2) * size * finer


def _lines(image: Image.Image, random: np.random.Generator, finer: int, ink: Rgb) -> None:
    """Straight lines, circles and grids, half a pixel to six pixels wide."""
    pen, side = ImageDraw.Draw(image), image.width
    for _ in range(random.integers(5, 40)):
        x0, y0, x1, y1 = (random.random(4) * side).tolist()
        width = max(1, round(random.uniform(0.5, 6 if random.random() < 0.3 else 2) * finer))
        color = ink if random.random() < 0.7 else _color(random)
        what = random.random()
        if what < 0.5:
            pen.line((x0, y0, x1, y1), fill=color, width=width)
        elif what < 0.7:
            radius = abs(x1 - x0) / 3
            pen.ellipse((x0 - radius, y0 - radius, x0 + radius, y0 + radius), outline=color, width=width)
        else:
            step = max(random.uniform(3, 40) * finer, 2 * width)
            for place in np.arange(min(x0, x1), max(x0, x1), step):
                pen.line((place, min(y0, y1), place, max(y0, y1)), fill=color, width=width)


def _shapes(image: Image.Image, random: np.random.Generator, finer: int, ink: Rgb) -> None:
    """Flat polygons, ellipses and bars."""
    pen, side = ImageDraw.Draw(image), image.width
    for _ in range(random.integers(3, 20)):
        color = ink if random.random() < 0.3 else _color(random)
        centre, radius = random.random(2) * side, random.uniform(0.02, 0.3) * side
        corners = centre + radius * random.uniform(-1, 1, (int(random.integers(3, 7)), 2))
        if random.random() < 0.4:
            pen.polygon([(x, y) for x, y in corners.tolist()], fill=color)
        else:
            left, top = (centre - radius * random.uniform(0.1, 1, 2)).tolist()
            box = (left, top, 2 * centre[0] - left, 2 * centre[1] - top)
            (pen.ellipse if random.random() < 0.6 else pen.rectangle)(box, fill=color)


def _gradients(image: Image.Image, random: np.random.Generator, finer: int, ink: Rgb) -> None:
    """A plane or a bowl from color to color, and a few shapes on it."""
    y, x = np.mgrid[0 : image.height, 0 : image.width] / image.height
    if random.random() < 0.5:
        angle = random.uniform(0, 2 * np.pi)
        ramp = np.cos(angle) * x + np.sin(angle) * y
    else:
        ramp = np.hypot(x - random.random(), y - random.random())
    ramp = (ramp - ramp.min()) / (ramp.max() - ramp.min())
    first, last = (np.array(_color(random), float) for _ in range(2))
    pixels = first + (last - first) * ramp[..., None]
    image.paste(Image.fromarray((pixels + random.random(pixels.shape)).clip(0, 255).astype(np.uint8)))
    if random.random() < 0.5:
        _shapes(image, random, finer, ink)


def _page(image: Image.Image, random: np.random.Generator, finer: int, ink: Rgb) -> None:
    """A page that is nearly empty: a word and a line or two."""
    pen, side = ImageDraw.Draw(image), image.width
    for _ in range(random.integers(1, 4)):
        left, top = (random.random(2) * side).tolist()
        words = "".join(random.choice(list(_LETTERS), int(random.integers(3, 12))))
        pen.text((left, top), words, fill=ink, font=ImageFont.load_default(random.uniform(9, 30) * finer))
        place = random.random() * side
        pen.line((0, place, side, place), fill=ink, width=max(1, round(random.uniform(0.5, 3) * finer)))


_KINDS: tuple[Callable[[Image.Image, np.random.Generator, int, Rgb], None], ...] = (_text, _lines, _shapes, _gradients, _page)
