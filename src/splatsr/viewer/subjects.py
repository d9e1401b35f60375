"""What a page is to show, from files: pictures through models, saved fields, and what they are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from safetensors import SafetensorError, safe_open

from splatsr.checkpoints.choice import choose_model
from splatsr.errors import InputError
from splatsr.image.field import GaussianField
from splatsr.image.model import Model
from splatsr.image.splat_file import is_splat
from splatsr.image_files.folder import is_image_name
from splatsr.image_files.reading import read_image
from splatsr.resize.pil import resize_bicubic
from splatsr.viewer.encoding import field_of
from splatsr.viewer.page import Subject

Named = list[tuple[str, UInt8[np.ndarray, "_ _ 3"]]]


@dataclass(frozen=True)
class Others:
    """What the fields of a page are compared with, by name."""

    models: list[tuple[str, Model]]
    fields: list[tuple[str, GaussianField]]
    pictures: Named

    @classmethod
    def of(cls, given: Sequence[str], device: str, *, is_only: bool) -> "Others":
        """From names of models and files; `is_only`: the page shows one picture, which others of the scene belong to.

        Raises:
            InputError: one of them cannot be read, or belongs to one picture of several.
        """
        others = cls([], [], [])
        for one in given:
            path = Path(one)
            is_picture = path.is_file() and is_image_name(path.name)
            is_field = path.is_file() and not is_picture and is_field_file(path)
            if (is_picture or is_field) and not is_only:
                raise InputError(
                    f"--compare {one} belongs to one picture, and the page shows several; compare models, or --reduce."
                )
            if path.is_dir() and not (path / "model.safetensors").is_file():
                raise InputError(
                    f"--compare {one} is a folder; give a model, a picture, a saved field, or the folder of a run."
                )
            if is_picture:
                others.pictures.append((path.stem, read_image(path)))
            elif is_field:
                others.fields.append((path.stem, GaussianField.load(path)))
            else:
                others.models.append((name_of(one), _model(str(path / "model.safetensors") if path.is_dir() else one, device)))
        return others


def subject_of_field(path: Path, others: Others) -> Subject:
    """A saved field, its first image, with the fields and pictures of `others`; InputError where it is none."""
    if others.models:
        raise InputError(f"{path} is a field; it can be compared with pictures and fields, not with a model.")
    return Subject(path.stem, [(path.stem, GaussianField.load(path)), *others.fields], None, others.pictures)


def subjects_of_pictures(named: Named, model: str, reduce: int, others: Others, device: str) -> list[Subject]:
    """Every picture through the model and those of `others`, after it was made `reduce` times smaller.

    Raises:
        InputError: a model cannot be read, or makes no kernels.
    """
    models = [(name_of(model), _model(model, device)), *others.models]
    subjects = []
    for title, original in named:
        height, width = (side // reduce for side in original.shape[:2])
        pictures: Named = list(others.pictures)
        lr = original
        if reduce > 1:
            original = np.ascontiguousarray(original[: height * reduce, : width * reduce])
            lr = np.array(resize_bicubic(original, (height, width)))  # torch wants to be able to write
            pictures.insert(0, ("Original", original))
        fields = [(name, field_of(one, lr)) for name, one in models]
        subjects.append(Subject(title, [*fields, *others.fields], lr, pictures))
    return subjects


def name_of(model: str) -> str:
    """What a model is called on the page: the name, or that of the file; of model.safetensors, of its folder."""
    path = Path(model)
    if not path.suffix or not path.is_file():
        return path.resolve().name if path.is_dir() else model
    return path.resolve().parent.name if path.stem == "model" else path.stem


def _model(name: str, device: str) -> Model:
    model = choose_model(name, {}, device)
    model.continue_images()
    return model


def is_field_file(path: Path) -> bool:
    """Whether a file calls itself a field; models are safetensors files too."""
    if is_splat(path):
        return True
    try:
        with safe_open(path, framework="pt") as file:
            return str((file.metadata() or {}).get("format")).endswith(GaussianField.__name__)
    except (SafetensorError, OSError, ValueError, RuntimeError):
        return False
