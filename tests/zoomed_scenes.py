"""Stand-ins for COZ: scenes whose pixels say where in the view they are, in several sizes."""

from pathlib import Path

import numpy as np

from splatsr.image_files.writing import write_image

SIZES = {"1": [(30, 40), (48, 64), (90, 120)], "2": [(33, 47), (78, 111)]}
"""(height, width) of the images of each scene, the widest last."""


def view(size: tuple[int, int], scene: int) -> np.ndarray:
    """Red and green are the vertical and the horizontal share of the way, blue is the scene."""
    rows, columns = ((np.arange(length) + 0.5) / length * 255 for length in size)
    grid = np.stack([*np.meshgrid(rows, columns, indexing="ij"), np.full(size, 20 * scene)], -1)
    return grid.round().astype(np.uint8)


def write_scenes(root: Path) -> Path:
    """COZ's tree below `root`, two scenes to train on and, the same, to test at x2 and one of them at x3; returns `root`."""
    for scene, sizes in SIZES.items():
        *small, large = [view(size, int(scene)) for size in sizes]
        write_image(root / f"COZ/test_HR/{scene}.png", large)
        for index, image in enumerate(reversed(small)):
            write_image(root / f"COZ/test_LR/{scene}/{index}.png", image)
        for index, image in enumerate((large, *small)):  # the order of their names is not that of their widths
            write_image(root / f"COZ/train_LR/{scene}/{index}.png", image)
    return root
