"""Times training crops from archives against the memory map, and against what other engines read, on one core, in one run.

    pip install webdataset litdata         # the engines to compare with; rows without them stay out
    python benchmarks/shards.py            # two minutes; --quick for a rough answer

The photographs are the embedded ones, enlarged to 2250 x 1500 pixels with grain, as JPEGs of quality 90: of the size of
SA-1B's. All ways give their photographs to the same data set, which cuts and shrinks the same crops (256 pixels, scales 4 to 8,
batches of 16), and take turns. Files are in the page cache: what is compared is the work, not a disk. Writes its table in
benchmarks/README.md and benchmarks/results/shards.json.
"""

import argparse
import io
import itertools
import logging
import statistics
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from loader import BATCH, PATCH, SCALES, dataset
from section import figure, write_results, write_section
from splatsr.data.batch_sampler import BatchSampler
from splatsr.data.decoded import DecodedFolder
from splatsr.data.image_sequences import EncodedImages, Images, MappedImages
from splatsr.data.photos import training_photographs
from splatsr.data.shards import Shards
from splatsr.image_files.folder import find_parts
from splatsr.image_files.reading import read_image
from splatsr.resize.pil import resize_bicubic

SIZE, COPIES = (1500, 2250), 4


def make_photographs(folder: Path) -> list[Path]:
    """28 JPEGs."""
    folder.mkdir()
    for index, path in enumerate(training_photographs() * COPIES):
        image = resize_bicubic(read_image(path), SIZE)
        grain = np.random.default_rng(index).normal(0, 3, image.shape)
        Image.fromarray((image + grain).clip(0, 255).round().astype(np.uint8)).save(folder / f"{index:03}.jpg", quality=90)
    return sorted(folder.iterdir())


class NextImage:
    """What an engine that chooses the order itself gives: whichever photograph is asked for, the next one."""

    def __init__(self, contents: Iterator[bytes], count: int) -> None:
        self.contents, self.count = contents, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(next(self.contents))).convert("RGB"))


class LitdataImages:
    """Photographs of a litdata set, by their number."""

    def __init__(self, folder: Path) -> None:
        import litdata

        self.images = litdata.StreamingDataset(str(folder))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(self.images[index]["jpg"])).convert("RGB"))


def content_of(path: str) -> dict[str, Any]:
    """For litdata: a photograph as it is in its file."""
    return {"jpg": Path(path).read_bytes()}


def ways(folder: Path, files: list[Path]) -> dict[str, tuple[Images, int]]:
    """(Photographs, crops of each) by the name of the way."""
    (part,) = find_parts(folder)
    decoded = DecodedFolder(part, folder.parent / "cache")
    for _ in decoded.decode(smallest=PATCH, skip_damaged=False):
        pass
    path = folder.parent / "photographs.tar"
    with tarfile.open(path, "w") as archive:
        for file in files:
            archive.add(file, file.name)
    shards = Shards(str(path), root=None, cache=None, skip_damaged=False).load(smallest=PATCH)
    found: dict[str, tuple[Images, int]] = {
        "decoded once, mapped into memory": (MappedImages([(decoded, decoded.read())]), 1),
        "files, decoded for every crop": (EncodedImages(files, skip_damaged=False), 1),
        "archives (data=shards)": (shards, 1),
        "archives, 4 crops of a photograph": (shards, 4),
        "archives, 16 crops of a photograph": (shards, 16),
    }
    try:
        import webdataset

        endless = itertools.chain.from_iterable(webdataset.WebDataset(str(path), shardshuffle=False) for _ in itertools.count())
        contents = (sample["jpg"] for sample in endless)
        found["webdataset, in the archive's order, 4 crops"] = NextImage(contents, len(files)), 4
    except ImportError:
        logging.info("webdataset is not installed: left out")
    try:
        import litdata

        converted = folder.parent / "litdata"
        litdata.optimize(content_of, [str(file) for file in files], str(converted), chunk_bytes="64MB", num_workers=1)
        found["litdata, converted before, 4 crops"] = LitdataImages(converted), 4
    except ImportError:
        logging.info("litdata is not installed: left out")
    return found


def rate(photographs: Images, each: int, batches: int) -> float:
    """Crops per second, in this process."""
    crops = dataset(photographs)
    sampler = BatchSampler(
        photographs=len(photographs), batches=batches + 1, batch_size=BATCH, scale_range=SCALES, scale_distribution="uniform",
        scale_per="batch", seed=0, crops_per_photograph=each,
    )  # fmt: skip
    requests = iter(sampler)
    crops[next(requests)]
    start = time.perf_counter()
    for request in requests:
        crops[request]
    return batches * BATCH / (time.perf_counter() - start)


def turns(found: dict[str, tuple[Images, int]], repetitions: int) -> dict[str, list[float]]:
    """Rates by the name of the way, one after another in every repetition."""
    rates: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(repetitions):
        for name, (photographs, each) in found.items():
            rates[name].append(rate(photographs, each, 40 if isinstance(photographs, MappedImages) else 2 * each))
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description="Times training crops from archives; rewrites the README table.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: a rough answer")
    quick = parser.parse_args().quick
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        files = make_photographs(Path(temporary) / "photographs")
        megabytes = statistics.mean(file.stat().st_size for file in files) / 1e6
        rates = turns(ways(Path(temporary) / "photographs", files), 2 if quick else 5)
    command = "python benchmarks/shards.py" + (" --quick" if quick else "")
    made_by = write_results("shards", command, jpeg_mb=megabytes, crops_per_second=rates)
    rows = [f"| {name} | {figure(statistics.median(values))} |" for name, values in rates.items()]
    about = f"JPEGs of {SIZE[1]} x {SIZE[0]} pixels, {megabytes:.1f} MB on average; medians of {2 if quick else 5} turns"
    write_section("shards", "\n".join([f"{made_by}. {about}.", "", "| training crops | a second |", "| --- | ---: |", *rows]))


if __name__ == "__main__":
    main()
