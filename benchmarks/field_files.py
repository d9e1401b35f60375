"""How large field files are, and what they change of a picture: .splat by bits, on the fields of photographs.

    python benchmarks/field_files.py FOLDER [MODEL]       # of photographs; a name or a file of a model; default: tiny

Photographs are reduced (PIL's bicubic) to LR images of 24,576 pixels, and continued beyond their border as an upscaling does.
Writes its table in docs/field-files.md.
"""

import argparse
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

import splatsr
from section import HERE, write_results, write_section
from splatsr import GaussianField
from splatsr.disk.markdown import markdown_table
from splatsr.image_files.folder import find_images
from splatsr.image_files.reading import read_image
from splatsr.resize.levels import to_tensor
from splatsr.resize.pil import resize_bicubic

PIXELS = 24_576

SCALES = (1, 4, 12)

BITS = (16, 14, 13, 12, 11, 10, 9)


@torch.inference_mode()
def fields(folder: Path, name: str) -> Iterator[GaussianField]:
    model = splatsr.load(name)
    model.continue_images()
    for path in find_images(folder):
        photograph = read_image(path)
        factor = math.sqrt(PIXELS / (photograph.shape[0] * photograph.shape[1]))
        size = tuple(round(side * factor) for side in photograph.shape[:2])
        yield model(to_tensor(resize_bicubic(photograph, size))[None])


def levels(field: GaussianField, scale: float) -> torch.Tensor:
    return (field.render(scale=scale).clamp(0, 1) * 255).round()


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures field files; rewrites the docs' table.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", nargs="?", default="tiny")
    arguments = parser.parse_args()
    sizes: dict[int, list[float]] = {bits: [] for bits in BITS}
    values = dict.fromkeys(SCALES, 0)
    differing = {(bits, scale): [0, 0] for bits in BITS for scale in SCALES}  # by one level, by more
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "field.splat"
        for field in fields(arguments.folder, arguments.model):
            exact = {scale: levels(field, scale) for scale in SCALES}
            for scale in SCALES:
                values[scale] += exact[scale].numel()
            for bits in BITS:
                field.save(path, bits=bits)
                sizes[bits].append(path.stat().st_size / len(field))
                loaded = GaussianField.load(path)
                for scale in SCALES:
                    difference = (levels(loaded, scale) - exact[scale]).abs()
                    differing[bits, scale][0] += int((difference == 1).sum())
                    differing[bits, scale][1] += int((difference > 1).sum())
            print(len(sizes[BITS[0]]), flush=True)
    rows = []
    for bits in BITS:
        found = sizes[bits]
        row = {"bits": f"{bits}{' (float16)' if bits == 16 else ''}", "bytes a kernel": f"{sum(found) / len(found):.2f}"}
        row["smallest to largest"] = f"{min(found):.2f} to {max(found):.2f}"
        for scale in SCALES:
            by_one, by_more = differing[bits, scale]
            row[f"x{scale}: off by 1 level"] = f"{100 * by_one / values[scale]:.1f} %"
            row[f"x{scale}: by more"] = f"{by_more}"
        rows.append(row)
    command = f"python benchmarks/field_files.py {arguments.folder.name}"
    made_by = write_results("field_files", command, photographs=len(sizes[16]), values=values, rows=rows)
    table = markdown_table(list(rows[0]), [list(row.values()) for row in rows], text_columns=1)
    counted = ", ".join(f"{count:,} at x{scale}" for scale, count in values.items())
    text = f"{made_by}; {len(sizes[16])} photographs, so many values: {counted}.\n\n{table}"
    write_section("field_files", text, HERE.parent / "docs" / "field-files.md")


if __name__ == "__main__":
    main()
