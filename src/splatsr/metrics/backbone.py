"""Trained networks inside metrics: found on this machine or reported as absent, never downloaded."""

from pathlib import Path

import torch

from splatsr.checkpoints.files import read_pickle


class AbsentWeightsError(Exception):
    """The weights are not on this machine; the message says which file belongs where."""


def find_weights(url: str) -> Path:
    """The file that torch would keep under the last part of `url`; read once, so that a damaged one is refused here.

    Raises:
        AbsentWeightsError: it is not there.
        InputError: it is damaged, or holds more than tensors.
    """
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / Path(url).name
    if not path.is_file():
        raise AbsentWeightsError(f"its network's weights are not on this machine: put {url} into {folder}")
    read_pickle(path)
    return path
