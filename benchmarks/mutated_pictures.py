"""What pictures with other bytes do: read, enlarged, or refused in one line, within bounds of time and memory.

    python benchmarks/mutated_pictures.py         # 700 pictures, five minutes on one core

Small pictures of every format that is read (grey, RGB, alpha, palette, 16 bit, CMYK, tiled, interlaced, with EXIF, profile and
text) get other bytes, are cut off or made longer, or get another picture's head. Each is enlarged by job=upscale in a process
of its own: the result must be whole and of the size that the header says, or a line must say what is wrong. Writes its table in
docs/reliability.md.
"""

import argparse
import collections
import random
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from forked_command import call, prepare
from hostile_files import MIB, SECONDS, listing, measured
from section import RELIABILITY, write_results, write_section
from splatsr.disk.markdown import markdown_table
from splatsr.image_files.reading import image_size
from whole_files import half_files


def make_pictures(folder: Path) -> list[Path]:
    """Small pictures of every kind."""
    pixels = np.random.default_rng(0).integers(0, 256, (23, 31, 4), np.uint8)
    rgba = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    kept = {"exif": exif.tobytes(), "icc_profile": bytes(400)}
    modes = {
        "png": ("RGB", "L", "LA", "RGBA", "P", "1"), "jpg": ("RGB", "L", "CMYK"), "tif": ("RGB", "L", "RGBA", "CMYK", "1", "P"),
        "webp": ("RGB", "RGBA"), "gif": ("P",), "bmp": ("RGB", "L", "P"), "jp2": ("RGB", "L"), "ppm": ("RGB",), "pgm": ("L",),
        "avif": ("RGB",),
    }  # fmt: skip
    made = []
    for suffix, chosen in modes.items():
        for mode in chosen:
            path = folder / f"{mode}.{suffix}"
            rgba.convert(mode if mode != "LA" else "LA").save(path, **(kept if suffix in ("png", "jpg", "webp") else {}))
            made.append(path)
    deep = np.random.default_rng(1).integers(0, 65536, (23, 31, 3), np.uint16)
    for name, content, options in (
        ("deep", deep, {}),
        ("planar", deep.transpose(2, 0, 1), {"planarconfig": "separate"}),
        ("tiled", deep, {"tile": (16, 16)}),
        ("packed", deep[..., 0], {"compression": "zlib", "predictor": True}),
    ):
        tifffile.imwrite(folder / f"{name}.tif", content, photometric="rgb" if content.ndim == 3 else "minisblack", **options)
        made.append(folder / f"{name}.tif")
    Image.fromarray(deep[..., 0]).save(folder / "deep.png")
    return [*made, folder / "deep.png"]


def mutated(content: bytes, other: bytes, choose: random.Random) -> bytes:
    """Other bytes, most of them near the beginning."""
    damaged = bytearray(content)
    for _ in range(choose.choice([1, 1, 2, 5, 40])):
        reach = len(damaged) if choose.random() < 0.4 else min(len(damaged), 200)
        place = choose.randrange(reach)
        if choose.random() < 0.2:
            damaged[place : place + 4] = choose.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\xff\xff"])
        else:
            damaged[place] = choose.randrange(256)
    how = choose.random()
    if how < 0.15:
        return bytes(damaged[: choose.randrange(len(damaged))])
    if how < 0.2:
        return bytes(damaged) + bytes(choose.randrange(100_000))
    return bytes(other[:20] + damaged[20:]) if how < 0.25 else bytes(damaged)


def enlarge(source: Path, target: Path) -> int:
    """What `job=upscale` does; 73 where the result is of another size than the header says."""
    import os

    from splatsr.errors import InputError
    from splatsr.jobs.upscale import upscale
    from splatsr.runs.configuration import compose

    wanted = {
        "input": str(source),
        "output": str(target),
        "existing": None,
        "format": None,
        "suffix": None,
        "quality": None,
        "fit": None,
        "scale": 2,
        "size": None,
        "tile": "auto",
    }
    try:
        upscale(model=compose("model=bicubic")["model"], checkpoint=None, device="cpu", **wanted)
        height, width = image_size(source)
    except InputError as error:
        if "\n" in str(error):
            raise
        os.write(2, f"error: {error}\n".encode("utf-8", "replace"))
        return 1
    with Image.open(target) as image:
        return 0 if image.size == (2 * width, 2 * height) else 73


def main() -> None:
    parser = argparse.ArgumentParser(description="Enlarges pictures with other bytes; rewrites the docs' table.")
    parser.add_argument("--pictures", type=int, default=700)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    prepare()
    choose = random.Random(arguments.seed)
    rows: dict[str, collections.Counter[str]] = {}
    faults = []
    with tempfile.TemporaryDirectory() as given:
        good = make_pictures(Path(given))
        before = listing(Path(given))
        for index in range(arguments.pictures):
            chosen, other = choose.choice(good), choose.choice(good)
            with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as work:
                source, target = Path(folder) / chosen.name, Path(work) / "big.png"
                source.write_bytes(mutated(chosen.read_bytes(), other.read_bytes(), choose))
                outcome = call(lambda: measured(lambda: enlarge(source, target)), folder=Path(work), seconds=SECONDS)  # noqa: B023
                stray = [name for name in listing(Path(work)) if name != str(target)]
                halves, refused = (
                    half_files(Path(work)),
                    outcome.code == 1 and outcome.err.splitlines()[-1:][0].startswith("error: "),
                )
                fine = (outcome.code == 0 and target.is_file()) or (refused and not target.exists())
            counts = rows.setdefault(chosen.suffix, collections.Counter())
            counts.update(tried=1, read=outcome.code == 0, refused=refused, faults=0)
            if not fine or stray or halves or outcome.has_traceback or outcome.late or listing(Path(given)) != before:
                counts["faults"] += 1
                faults.append(f"{index} {chosen.name}: {outcome} stray {stray} half {halves}")
                print(faults[-1][:2000], flush=True)
    headings = ["tried", "read", "refused", "faults"]
    lines = [[name, *(str(counts[key]) for key in headings)] for name, counts in rows.items()]
    table = markdown_table(["format", *headings], lines, text_columns=1)
    command = f"python benchmarks/mutated_pictures.py --pictures {arguments.pictures} --seed {arguments.seed}"
    made_by = write_results("mutated_pictures", command, rows=lines, faults=len(faults))
    text = f"{made_by}; bounds: {SECONDS:.0f} s and {MIB} MiB a picture.\n\n{table}"
    print(text)
    write_section("mutated pictures", text, RELIABILITY)


if __name__ == "__main__":
    main()
