"""Fixtures that several tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # Triton chooses its interpreter when it is imported, by whomever


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # tests run in parallel processes
    yield


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder with three small smooth colour images."""
    import numpy as np

    from splatsr.data.images import write_image

    folder = tmp_path / "photographs"
    y, x = np.mgrid[0:60, 0:70]
    for number in range(3):
        waves = [np.sin(x / (5 + number) + channel) * np.cos(y / 7) for channel in range(3)]
        write_image(folder / f"{number}.png", np.uint8(127 + 100 * np.stack(waves, -1)))
    return folder
