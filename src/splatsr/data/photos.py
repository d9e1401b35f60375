"""The photographs that come with scikit-image and scikit-learn: something real to train on without any download."""

from importlib.util import find_spec
from pathlib import Path

TRAINING = ("chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg", "ihc.png", "hubble_deep_field.jpg", "flower.jpg")
HELD_OUT = ("astronaut.png", "china.jpg", "camera.png")


def training_photographs() -> list[Path]:
    """Seven colour photographs, 451x300 to 1000x872 pixels."""
    return [_locate(name) for name in TRAINING]


def held_out_photographs() -> dict[str, list[Path]]:
    """Three photographs that training never sees, as the test set "photos"."""
    return {"photos": [_locate(name) for name in HELD_OUT]}


def small_photograph() -> dict[str, list[Path]]:
    """One of 102x102 pixels, as the test set "small": for debug=tiny, where all must be quick and no figure counts."""
    return {"small": [_locate("microaneurysms.png")]}


def _locate(name: str) -> Path:
    for package, folder in (("skimage", "data"), ("sklearn", "datasets/images")):
        place = Path(find_spec(package).origin).parent / folder / name
        if place.is_file():
            return place
    raise FileNotFoundError(f"{name} comes with scikit-image or scikit-learn, but is not there; reinstall them.")
