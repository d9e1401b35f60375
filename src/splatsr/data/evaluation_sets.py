"""The test sets of a configuration: folders, and sets that are known by name (data.known_sets)."""

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from splatsr.data.evaluation_pairs import EvaluationImage, EvaluationSets, without_lr
from splatsr.data.image_names import image_names
from splatsr.data.known_sets import DEGRADED, KNOWN_SETS, ZOOMED, expected_lr, find_set, missing
from splatsr.data.layouts import images_in
from splatsr.errors import InputError

RequestedSets = str | Sequence[str] | Mapping[str, Sequence[Path]]
"""`data.test`: a folder or the name of a known set, several of them, or named lists of files."""


def find_evaluation_sets(test: RequestedSets | None, *, root: str | None, test_root: str) -> EvaluationSets:
    """The sets by name, with the LR files that they bring along; a folder's name is the set's name.

    Args:
        test: as in the configuration; None: there are no sets.
        root: relative folders lie below it; None: below the working directory.
        test_root: known sets lie below it.

    Raises:
        InputError: a set is not there, lacks LR files that no rule makes, or has the name of another.
    """
    if isinstance(test, Mapping):
        return {name: without_lr(paths) for name, paths in test.items()}
    sets: EvaluationSets = {}
    for entry in [] if test is None else [test] if isinstance(test, str) else test:
        is_known = entry in KNOWN_SETS  # a folder of that name is ./set5
        name = entry if is_known else Path(os.path.realpath(Path(root or "", entry))).name
        if name in sets:
            raise InputError(f"data.test names two folders alike ({name}): results could not be told apart.")
        sets[name] = _known_set(name, Path(test_root)) if is_known else _folder(entry, root)
    return sets


def _folder(folder: str, root: str | None) -> list[EvaluationImage]:
    near = difflib.get_close_matches(folder.lower(), KNOWN_SETS, n=1, cutoff=0.75)
    if near and not Path(root or "", folder).exists():
        raise InputError(f"there is neither a known test set {folder!r} (did you mean {near[0]}?) nor such a folder.")
    return without_lr(images_in(folder, root), Path(root or "", folder))


def _known_set(name: str, test_root: Path) -> list[EvaluationImage]:
    found = find_set(name, test_root)
    if found is None:
        raise InputError(missing(name, test_root))
    if name in DEGRADED + ZOOMED and not found.scales:
        raise InputError(f"{name} is in {found.folder} without LR files; expected {expected_lr(name, test_root)}.")
    images = zip(found.images, image_names(found.images, found.folder), found.given, strict=True)
    if name in DEGRADED:
        return [EvaluationImage(path, own, {}, degraded=given[1].lr, zoomed=False) for path, own, given in images]
    return [EvaluationImage(path, own, given, degraded=None, zoomed=name in ZOOMED) for path, own, given in images]
