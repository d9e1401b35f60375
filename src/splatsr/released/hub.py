"""Models on the Hugging Face Hub: downloaded when they are asked for by hf:owner/name, and by nothing else.

huggingface_hub is an extra, splatsr[hub], and imported in here alone.
"""

import hashlib
import logging
import re
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from splatsr.disk.user_cache import user_cache
from splatsr.errors import InputError

log = logging.getLogger(__name__)

PREFIX = "hf:"

FILE = "model.safetensors"
"""What is taken where no file is named, and what `publish` writes."""


class _Place(NamedTuple):
    """A file in a repository of the hub."""

    repository: str
    file: str


def fetch(reference: str) -> Path:
    """The file that hf:owner/name or hf:owner/name/<file> names: the copy that is here already, or a download.

    A file that was put by hand into <cache of splatsr>/hub/owner/name/ counts as that copy, without a look at the hub. What
    comes from the hub is compared with the SHA-256 that the hub states for it.

    Raises:
        InputError: the reference is none, huggingface_hub is missing, the hub does not have the file or cannot be reached, or
            the file is not the one that the hub states.
    """
    place = _parse(reference)
    by_hand = _folder_by_hand(place.repository) / place.file
    if by_hand.is_file():
        return by_hand
    hub = _library()
    try:
        if not isinstance(hub.try_to_load_from_cache(place.repository, place.file), str):
            log.warning("%s of %s: downloading to %s", place.file, place.repository, hub.constants.HF_HUB_CACHE)
        path = Path(hub.hf_hub_download(place.repository, place.file))
        stated = _stated_digest(hub, place, path)
    except (hub.errors.LocalEntryNotFoundError, hub.errors.OfflineModeIsEnabled) as error:
        raise InputError(_unreachable(place)) from error
    except hub.errors.EntryNotFoundError as error:
        raise InputError(
            f"{place.repository} on the hub has no file {place.file}; name one: {PREFIX}owner/name/file."
        ) from error
    except hub.errors.HfHubHTTPError as error:  # no such repository, or none for everybody
        status = getattr(error.response, "status_code", "no answer")
        raise InputError(
            f"the hub does not give {place.repository} ({status}): check the name; if it is private or gated, log in with "
            "`hf auth login`."
        ) from error
    except OSError as error:
        raise InputError(_unreachable(place)) from error
    if stated is None:
        raise InputError(f"the hub states no SHA-256 for {place.file} of {place.repository}; what came cannot be checked.")
    if not has_digest(path, stated):
        raise InputError(f"{path} is damaged: it is not what the hub states; delete it and try again.")
    return path


def has_digest(path: Path, expected: str) -> bool:
    """Whether the file has this SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == expected


def upload(folder: Path, repository: str) -> str:
    """Uploads what `publish` wrote to owner/name, which is made where it is missing; returns the reference that loads it.

    Raises:
        InputError: `repository` is no such name, huggingface_hub is missing, or the hub refuses.
    """
    place = _parse(PREFIX + repository)
    hub = _library()
    try:
        hub.create_repo(place.repository, exist_ok=True)
        hub.upload_folder(repo_id=place.repository, folder_path=str(folder), commit_message="A model of SplatSR")
    except (hub.errors.HfHubHTTPError, hub.errors.OfflineModeIsEnabled, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"the hub does not take {place.repository} ({reason}); log in with `hf auth login`.") from error
    return PREFIX + place.repository


def _parse(reference: str) -> _Place:
    found = re.fullmatch(r"hf:([\w-][\w.-]*/[\w-][\w.-]*)(?:/((?:[\w-][\w.-]*/)*[\w-][\w.-]*))?", reference)
    if found is None:
        raise InputError(f"cannot read {reference!r}; expected hf:owner/name, or hf:owner/name/file.safetensors.")
    return _Place(found[1], found[2] or FILE)


def _library() -> ModuleType:
    try:
        import huggingface_hub
        import huggingface_hub.constants
        import huggingface_hub.errors
    except ImportError as error:
        raise InputError(
            "hf: needs huggingface_hub, which is not installed: pip install 'splatsr[hub]', or fetch the file yourself."
        ) from error
    return huggingface_hub


def _stated_digest(hub: ModuleType, place: _Place, path: Path) -> str | None:
    """The SHA-256 that the hub states for the file: the name of its blob in the cache, or what the hub answers."""
    blob = path.resolve().name
    if re.fullmatch(r"[0-9a-f]{64}", blob):
        return blob
    for found in hub.HfApi().get_paths_info(place.repository, [place.file]):
        if (stored := getattr(found, "lfs", None)) is not None:
            return str(stored.sha256)
    return None


def _folder_by_hand(repository: str) -> Path:
    return (user_cache() or Path("hub")) / "hub" / repository


def _unreachable(place: _Place) -> str:
    return (
        f"{place.file} of {place.repository} is not here and the hub cannot be reached; fetch it where there is a network and "
        f"put it at {_folder_by_hand(place.repository) / place.file}, or give its path."
    )
