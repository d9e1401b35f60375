"""Photographs that are there without any download: something real to train on.

Those of scikit-image lie in that package; two more, with their licences, lie in `photographs/` beside this file.
"""

from importlib.util import find_spec
from pathlib import Path

TRAINING = ("chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg", "ihc.png", "hubble_deep_field.jpg", "flower.jpg")
HELD_OUT = ("astronaut.png", "china.jpg", "camera.png")

_OWN = Path(__file__).parent / "photographs"


def training_photographs() -> list[Path]:
    """Seven color photographs, 451x300 to 1000x872 pixels."""
    return [_locate(name) for name in TRAINING]


def held_out_photographs() -> dict[str, list[Path]]:
    """Three photographs that training never sees, as the test set "photos": 512x512, 640x427 and 512x512 pixels."""
    return {"photos": [_locate(name) for name in HELD_OUT]}


def small_photograph() -> dict[str, list[Path]]:
    """One of 102x102 pixels, as the test set "small": for debug=tiny, where all must be quick and no figure counts."""
    return {"small": [_locate("microaneurysms.png")]}


def _locate(name: str) -> Path:
    package = find_spec("skimage")
    folders = [_OWN] if package is None or package.origin is None else [_OWN, Path(package.origin).parent / "data"]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{name} comes with scikit-image, but is not there; reinstall it.")
