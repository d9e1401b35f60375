"""What people see first: tint, grids and ringing of a model on text, plots, drawings, night and smooth photographs.

    python benchmarks/looks.py FOLDER ... [--model tiny]       # of pictures: HR; LR images are made by PIL's bicubic rule

Of every picture the middle is measured. Writes docs/looks.md's table and docs/looks.jpg: LR, bicubic, the model, HR of a detail
of every picture at x4.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from scipy.ndimage import maximum_filter, minimum_filter

import splatsr
from section import HERE, write_results, write_section
from splatsr.disk.markdown import markdown_table
from splatsr.image_files.folder import find_images
from splatsr.image_files.reading import read_image
from splatsr.resize.levels import to_tensor, to_uint8
from splatsr.resize.pil import resize_bicubic

DOCS = HERE.parent / "docs"

SIDE = 480
"""Of what is measured of a picture, output pixels, at most."""

SCALES = (2, 4)

SMOOTH, BLOCK = 0.1, 48
"""The smoothest tenth of all blocks of so many output pixels, those of one color apart."""

DETAIL = 72
"""Side of a detail on the page, output pixels; it is shown three times as large."""


def middle(picture: np.ndarray, scale: int) -> np.ndarray:
    height, width = (min(SIDE, length) // scale * scale for length in picture.shape[:2])
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return picture[top : top + height, left : left + width]


@torch.inference_mode()
def enlarged(model: torch.nn.Module, lr: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return to_uint8(model(to_tensor(lr)[None]).render(size=size)[0])


def decibels(image: np.ndarray, hr: np.ndarray) -> float:
    error = np.mean((image.astype(float) - hr) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-4)))


def surroundings(hr: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """(least, greatest) value within `reach` pixels, of every channel."""
    size = (2 * reach + 1, 2 * reach + 1, 1)
    return minimum_filter(hr, size).astype(float), maximum_filter(hr, size).astype(float)


def tint(image: np.ndarray) -> float:
    """The largest difference between channels, levels."""
    return float(np.ptp(image.astype(int), axis=2).max())


def on_flat(image: np.ndarray, hr: np.ndarray, scale: int) -> float | None:
    """The largest error where HR is one color as far as three LR pixels away, levels; None where it is nowhere."""
    least, greatest = surroundings(hr, 3 * scale)
    flat = ((greatest - least) == 0).all(2)
    return float(np.abs(image.astype(float) - hr)[flat].max()) if flat.any() else None


def ringing(image: np.ndarray, hr: np.ndarray, scale: int) -> float:
    """How far values lie beyond all of HR's within two LR pixels: the 99.9th percentile, levels."""
    least, greatest = surroundings(hr, 2 * scale)
    return float(np.quantile(np.maximum(image - greatest, least - image).clip(0), 0.999))


def block_errors(image: np.ndarray, bicubic: np.ndarray, hr: np.ndarray) -> list[tuple[float, float, float]]:
    """(roughness of HR, squared error, bicubic's) of every block that is not of one color: means, levels."""
    rows = []
    for top in range(0, hr.shape[0] - BLOCK + 1, BLOCK):
        for left in range(0, hr.shape[1] - BLOCK + 1, BLOCK):
            part, own, other = (each[top : top + BLOCK, left : left + BLOCK].astype(float) for each in (hr, image, bicubic))
            if np.ptp(part):
                roughness = np.abs(np.diff(part, axis=0)).mean() + np.abs(np.diff(part, axis=1)).mean()
                rows.append((roughness, np.mean((own - part) ** 2), np.mean((other - part) ** 2)))
    return rows


def busiest(hr: np.ndarray) -> tuple[int, int]:
    """(top, left) of the detail that varies most."""
    side, values = min(DETAIL, *hr.shape[:2]), hr.astype(float).mean(2)
    places = [(y, x) for y in range(0, hr.shape[0] - side + 1, 8) for x in range(0, hr.shape[1] - side + 1, 8)]
    return max(places, key=lambda place: values[place[0] : place[0] + side, place[1] : place[1] + side].var())


def draw_page(details: list[tuple[str, list[np.ndarray]]], names: list[str], path: Path) -> None:
    """Two pictures in a row, each with its details side by side."""
    tile, gap, line = 3 * DETAIL, 6, 16
    width = 2 * len(names) * (tile + gap) + 3 * gap
    rows = -(-len(details) // 2)
    page = Image.new("RGB", (width, rows * (tile + line + 2 * gap) + gap), "white")
    pen = ImageDraw.Draw(page)
    for index, (name, images) in enumerate(details):
        top, left = gap + index // 2 * (tile + line + 2 * gap), gap + index % 2 * (width // 2)
        for column, (label, image) in enumerate(zip(names, images, strict=True)):
            place = left + column * (tile + gap)
            pen.text((place, top), f"{name}: {label}" if not column else label, fill="black")
            page.paste(Image.fromarray(image).resize((tile, tile), Image.Resampling.NEAREST), (place, top + line))
    page.save(path, quality=92)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures and shows what people see first; rewrites docs/looks.md.")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--without", nargs="*", default=[], metavar="NAME", help="pictures that are left out, by their stems")
    arguments = parser.parse_args()
    model = splatsr.load(arguments.model)
    rows, details, blocks = [], [], {scale: [] for scale in SCALES}
    for path in (path for folder in arguments.folders for path in find_images(folder)):
        if path.stem in arguments.without:
            continue
        picture = read_image(path)
        if min(picture.shape[:2]) < DETAIL:
            continue
        row: dict[str, object] = {"picture": path.stem}
        is_grey = (np.ptp(picture, axis=2) == 0).all()
        for scale in SCALES:
            hr = middle(picture, scale)
            lr = resize_bicubic(hr, (hr.shape[0] // scale, hr.shape[1] // scale))
            image, bicubic = enlarged(model, lr, hr.shape[:2]), resize_bicubic(lr, hr.shape[:2])
            row[f"x{scale} gain"] = decibels(image, hr) - decibels(bicubic, hr)
            row[f"x{scale} tint"] = tint(image) if is_grey else None
            row[f"x{scale} flat"] = on_flat(image, hr, scale)
            row[f"x{scale} ringing"], row[f"x{scale} bicubic's"] = ringing(image, hr, scale), ringing(bicubic, hr, scale)
            blocks[scale] += block_errors(image, bicubic, hr)
        rows.append(row)
        top, left = busiest(hr)
        window = np.s_[top : top + DETAIL, left : left + DETAIL]
        coarse = np.repeat(np.repeat(lr, SCALES[-1], 0), SCALES[-1], 1)
        details.append((path.stem, [part[window] for part in (coarse, bicubic, image, hr)]))
        print({name: round(value, 2) if isinstance(value, float) else value for name, value in row.items()}, flush=True)
    draw_page(details, ["LR", "bicubic", arguments.model, "HR"], DOCS / "looks.jpg")
    smooth = {}
    for scale in SCALES:
        chosen = sorted(blocks[scale])[: max(1, round(SMOOTH * len(blocks[scale])))]
        own, other = (float(np.mean([block[which] for block in chosen])) for which in (1, 2))
        worst = max(chosen, key=lambda block: block[1] - block[2])  # than bicubic
        errors = {"worst": float(worst[1] ** 0.5), "worst_bicubic": float(worst[2] ** 0.5)}
        gains = {"psnr": 10 * np.log10(255**2 / own), "gain": 10 * np.log10(other / own)}
        smooth[f"x{scale}"] = {"blocks": len(chosen), **gains, **errors}
    command = f"python benchmarks/looks.py {' '.join(folder.name for folder in arguments.folders)}"
    command += f" --model {arguments.model}" * (arguments.model != "tiny")
    command += f" --without {' '.join(arguments.without)}" * bool(arguments.without)
    made_by = write_results("looks", command, rows=rows, smooth=smooth)
    cells = [[f"{value:.1f}" if isinstance(value, float) else str(value or "") for value in row.values()] for row in rows]
    sentence = "; ".join(
        f"{one['psnr']:.1f} dB at {scale}, {one['gain']:+.2f} above bicubic, in the worst of them {one['worst']:.1f} levels "
        f"off where bicubic is {one['worst_bicubic']:.1f}"
        for scale, one in smooth.items()
    )
    text = f"{made_by}.\n\n{markdown_table(list(rows[0]), cells, text_columns=1)}\n\n"
    text += f"The smoothest {smooth['x4']['blocks']} blocks of {BLOCK}x{BLOCK} pixels, taken together: {sentence}."
    write_section("looks", text, DOCS / "looks.md")


if __name__ == "__main__":
    main()
