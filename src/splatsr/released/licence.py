"""Under which licence the weights are that a name or a file stands for, as far as that is known."""

from splatsr.released.catalogue import catalogue, public_files

UNKNOWN = "that of the weights which it was made from"


def licence_of(wanted: str) -> str:
    """Of a model that is known by name: what the catalogue says; of others `UNKNOWN`."""
    known = catalogue().get(wanted) or public_files().get(wanted)
    return UNKNOWN if known is None else known.licence
