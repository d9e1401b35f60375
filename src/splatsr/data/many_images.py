"""Many image files at once: read in threads and in order, the damaged ones named together."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch

from splatsr.errors import InputError
from splatsr.image_files.folder import Part
from splatsr.image_files.one_line import say_once

Result = TypeVar("Result")
Size = tuple[int, int] | str
"""(height, width) of an image, or why it cannot be read."""

NAMED = 20
"""How many damaged files an error names."""


class DamagedImagesError(InputError):
    """Some of many images cannot be read; all others could be, and nothing else is wrong."""


def read_all(read: Callable[[Path], Result], paths: Iterable[Path]) -> Iterator[Result | str]:
    """read(path) for each path, in order, or the message of its InputError.

    As many threads as torch uses work ahead of the reader, by at most two results each.
    """

    def attempt(path: Path) -> Result | str:
        try:
            return read(path)
        except InputError as error:
            return str(error)

    threads = torch.get_num_threads()
    pending: deque[Future[Result | str]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for path in paths:
                pending.append(pool.submit(attempt, path))
                if len(pending) > 2 * threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def check_damaged(sizes: Sequence[Size], *, skip_damaged: bool) -> None:
    """DamagedImagesError naming the images that cannot be read.

    Where they are to be skipped, and there are others, each is a line in the log instead.
    """
    reasons = [size for size in sizes if isinstance(size, str)]
    if not reasons or (skip_damaged and len(reasons) < len(sizes)):
        for reason in reasons:
            say_once(f"skipped: {reason}")
        return
    if len(sizes) == 1 or len(reasons) == 1:
        raise DamagedImagesError(f"{reasons[0]} Mend or remove it, or train without it: data.skip_damaged=true.")
    more = f" and {len(reasons) - NAMED} more" if len(reasons) > NAMED else ""
    raise DamagedImagesError(
        f"{len(reasons)} of {len(sizes)} images cannot be read; mend or remove them, or train without them: "
        f"data.skip_damaged=true. They are: {' '.join(reasons[:NAMED])}{more}"
    )


def check_smallest(part: Part, sizes: Sequence[Size], smallest: int) -> None:
    """InputError naming the first image whose shorter side is below `smallest` pixels; unreadable ones are passed over."""
    for name, size in zip(part.names, sizes, strict=True):
        if not isinstance(size, str) and min(size) < smallest:
            raise InputError(
                f"{part.folder / name} is {size[1]}x{size[0]} pixels, smaller than the training crop of {smallest}x{smallest}."
            )


def decoded_bytes(sizes: Iterable[Size]) -> int:
    """What the images take up once they are decoded: 3 bytes a pixel; unreadable ones nothing."""
    return sum(3 * size[0] * size[1] for size in sizes if not isinstance(size, str))
