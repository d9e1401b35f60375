"""How good an enlargement is at its border: its outermost 8 pixels apart from the rest, on crops from inside photographs.

    python benchmarks/borders.py FOLDER [MODEL ...]       # of photographs; names or files of models; default: tiny

Crops are cut from the middle, because cameras and scanners darken the edges of photographs themselves. LR images are PIL's.
Writes its table in docs/rendering.md.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import splatsr
from section import HERE, write_results, write_section
from splatsr.disk.markdown import markdown_table
from splatsr.image.psnr import psnr
from splatsr.image_files.folder import find_images
from splatsr.image_files.reading import read_image
from splatsr.resize.levels import to_tensor
from splatsr.resize.pil import resize_bicubic

FRAME = 8
"""Output pixels."""

SIDE = 240
"""Of a crop, output pixels, about."""

SCALES = (2, 3.3, 4)


def gains(model: torch.nn.Module, photographs: list[np.ndarray], scale: float) -> tuple[float, float]:
    """Mean PSNR over RGB above bicubic's in dB: (of the frame, of the rest)."""
    rows = []
    for photograph in photographs:
        side = round(SIDE / scale)
        hr = middle(photograph, round(side * scale))
        lr = resize_bicubic(hr, (side, side))
        with torch.inference_mode():
            image = model(to_tensor(lr)[None]).render(size=hr.shape[:2])[0].clamp(0, 1)
        bicubic, truth = to_tensor(resize_bicubic(lr, hr.shape[:2])), to_tensor(hr)
        frame = torch.ones(hr.shape[:2], dtype=torch.bool)
        frame[FRAME:-FRAME, FRAME:-FRAME] = False
        rows.append([gain(image[:, None, part], bicubic[:, None, part], truth[:, None, part]) for part in (frame, ~frame)])
    of_frame, of_rest = np.mean(rows, axis=0)
    return float(of_frame), float(of_rest)


def gain(image: torch.Tensor, bicubic: torch.Tensor, truth: torch.Tensor) -> float:
    return float(psnr(image, truth) - psnr(bicubic, truth))


def middle(photograph: np.ndarray, side: int) -> np.ndarray:
    top, left = ((length - side) // 2 for length in photograph.shape[:2])
    return photograph[top : top + side, left : left + side]


@torch.inference_mode()
def darkest(model: torch.nn.Module, scale: float) -> float:
    """Of a white page of 30x40 LR pixels, in levels."""
    return 255 * model(torch.ones(1, 3, 30, 40)).render(scale=scale).clamp(0, 1).min().item()


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures enlargements at their border; rewrites the docs' table.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="*", default=["tiny"])
    arguments = parser.parse_args()
    photographs = [image for path in find_images(arguments.folder) if min((image := read_image(path)).shape[:2]) > SIDE + 8]
    rows = []
    for name in arguments.models:
        model = splatsr.load(name)
        for margin in sorted({0, model.margin}):
            model.margin = margin
            row: dict[str, object] = {"model": Path(name).stem, "margin": margin}
            for scale in SCALES:
                of_frame, of_rest = gains(model, photographs, scale)
                row |= {f"x{scale:g}, frame": f"{of_frame:+.2f}", f"x{scale:g}, rest": f"{of_rest:+.2f}"}
            row |= {f"white page, x{scale}": f"{darkest(model, scale):.1f}" for scale in (2, 4, 6)}
            rows.append(row)
            print(row, flush=True)
    command = f"python benchmarks/borders.py {arguments.folder.name}"
    made_by = write_results("borders", command, photographs=len(photographs), rows=rows)
    table = markdown_table(list(rows[0]), [[str(value) for value in row.values()] for row in rows], text_columns=1)
    write_section("borders", f"{made_by}; {len(photographs)} photographs.\n\n{table}", HERE.parent / "docs" / "rendering.md")


if __name__ == "__main__":
    main()
