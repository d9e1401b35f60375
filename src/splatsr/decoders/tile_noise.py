"""Random numbers for the tiles of an output that do not depend on the pieces in which it is made."""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor


def tile_noise(seed: int, tiles: Int64[Tensor, "n row_column=2"], columns: int, values: int) -> Float[Tensor, "n {values}"]:
    """Standard normal numbers of every tile: those of a row are drawn together, from a generator of the row's own.

    Args:
        seed: of all rows.
        tiles: (row, column), none negative.
        columns: of the whole output.
        values: numbers of a tile.
    """
    rows, index = tiles[:, 0].unique(return_inverse=True)
    drawn = [np.random.default_rng([seed, row]).standard_normal((columns, values), np.float32) for row in rows.tolist()]
    return torch.from_numpy(np.stack(drawn)).to(tiles.device)[index, tiles[:, 1]]
