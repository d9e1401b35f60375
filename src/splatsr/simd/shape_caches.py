"""oneDNN keeps a compiled convolution for every size of image that it has seen: how many is bounded here.

Its two caches (its own, and torch's around it) hold 1024 entries each, which a process that enlarges images of many sizes fills
one after the other. Sixty-four are more than a model's layers need at one size. Both are read from the
environment at the first convolution, so this is called when the package is imported; values that are set already stay.
"""

import os

_ENTRIES = "64"


def bound_shape_caches() -> None:
    """Sets ONEDNN_PRIMITIVE_CACHE_CAPACITY and LRU_CACHE_CAPACITY, where they are not set."""
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(name, _ENTRIES)
