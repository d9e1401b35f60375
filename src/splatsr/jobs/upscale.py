"""job=upscale: enlarges an image, or every image of a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import torch
from rich.console import Console
from torch import nn

from splatsr.data.images import check_writable, find_images, image_size, read_image, write_image
from splatsr.errors import InputError
from splatsr.geometry import resolve_output
from splatsr.jobs.model_choice import choose_model
from splatsr.jobs.progress import along
from splatsr.resize import to_tensor, to_uint8

BYTES_PER_PIXEL = 48
"""What a three-channel output needs while it is made: the float image, a clamped and an 8-bit copy."""


def upscale(
    *,
    model: Mapping[str, Any],
    checkpoint: str | None,
    input: str | None,
    output: str | None,
    scale: Any,
    size: Any,
    device: str,
) -> None:
    """Arguments are the root keys of conf/run.yaml. Nothing is overwritten; a damaged file in a folder is reported, the
    rest is done.

    Raises:
        InputError: whatever the user can put right; for a single image before the network runs.
    """
    if input is None or output is None:
        raise InputError("job=upscale needs input=<image or folder> and output=<image or folder>.")
    resolve_output((1000, 1000), size=size, scale=scale)  # a wrong value shows before anything is loaded
    source, target = Path(input), Path(output)
    network = choose_model(checkpoint, model, device)
    if not source.is_dir():
        _enlarge(network, source, target, scale, size)
        return
    jobs = [(path, target / path.relative_to(source)) for path in find_images(source)]
    if taken := [str(place) for _, place in jobs if place.exists()]:
        raise InputError(f"{len(taken)} of {len(jobs)} results exist already, first {taken[0]}: choose another output folder.")
    failures = []
    for path, place in along(jobs, len(jobs), "upscaling"):
        try:
            _enlarge(network, path, place, scale, size)
        except InputError as error:
            failures.append(str(error))
            Console(stderr=True).print(f"skipped: {error}", soft_wrap=True)
    if failures:
        raise InputError(f"{len(failures)} of {len(jobs)} images failed (named above); the others are in {target}.")


@torch.inference_mode()
def _enlarge(
    network: nn.Module,
    source: Path,
    target: Path,
    scale: Any,
    size: Any,
) -> None:
    check_writable(target)
    if target.exists():
        raise InputError(f"{target} exists already; nothing is overwritten, choose another output.")
    height, width = resolve_output(image_size(source), size=size, scale=scale).size
    needed, free = BYTES_PER_PIXEL * height * width, psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"an output of {width}x{height} pixels needs about {needed / 2**30:.1f} GiB of memory, "
            f"{free / 2**30:.1f} GiB are free: use a smaller scale or size."
        )
    lr = to_tensor(read_image(source))[None]
    parameter = next(network.parameters(), lr)
    image = network(lr.to(parameter.device)).render(size=size, scale=scale)[0]
    write_image(target, to_uint8(image))
    Console().print(
        f"{source} ({lr.shape[-1]}x{lr.shape[-2]}) -> {target} ({width}x{height}; {network.rendering})", soft_wrap=True
    )
