"""onnxruntime-web, which runs a network in a browser: from npm when a page with a model is made, kept in the user's cache.

It is not part of this package. Its files are what the digest here says, or are refused.
"""

import base64
import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from splatsr.disk.user_cache import user_cache
from splatsr.disk.whole_file import whole_file
from splatsr.errors import InputError

PACKAGE = "onnxruntime-web"

VERSION = "1.30.0"

INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""SHA-512 of the package's archive, base64, as npm states it."""

ARCHIVE = f"{PACKAGE}-{VERSION}.tgz"

SCRIPT, PROGRAM = "package/dist/ort.wasm.bundle.min.mjs", "package/dist/ort-wasm-simd-threaded.wasm"

LICENCE = f"""\
{PACKAGE} {VERSION}
Copyright (c) Microsoft Corporation. All rights reserved.

MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

The libraries in it are named in ThirdPartyNotices.txt of ONNX Runtime {VERSION}."""
"""Which the package names (MIT) without its text."""

PATIENCE = 600
"""Seconds for 33 MB."""


class Runtime(NamedTuple):
    """The two files that a page needs: a module of JavaScript, and the program that it loads."""

    script: bytes
    program: bytes


def runtime() -> Runtime:
    """Both, from the cache, or from npm by way of it.

    Raises:
        InputError: there is no npm or it fails, or the archive is not the one that is expected.
    """
    folder = user_cache()
    if folder is None:
        raise InputError(f"there is no folder to keep {ARCHIVE} in: set XDG_CACHE_HOME to one.")
    kept = folder / ARCHIVE
    if not kept.is_file():
        _download(kept)
    elif not _is_expected(kept):
        raise InputError(f"{kept} is damaged: it is not what npm has under that name; delete it and try again.")
    with tarfile.open(kept, "r:gz") as archive:
        return Runtime(*(_read(archive, name) for name in (SCRIPT, PROGRAM)))


def _download(kept: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(
            f"a page with a model needs {PACKAGE} {VERSION}, which npm downloads, and npm is not installed: install Node.js, "
            f"or put {ARCHIVE} of npm's registry into {kept.parent}."
        )
    with TemporaryDirectory(prefix="splatsr-") as place:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", place]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE, cwd=place)
        except (subprocess.SubprocessError, OSError) as error:
            said = " ".join(str(getattr(error, "stderr", None) or error).split())[-300:]
            raise InputError(
                f"npm does not give {PACKAGE} {VERSION} ({said}). Without a network: put {ARCHIVE} of npm's registry into "
                f"{kept.parent}."
            ) from error
        came = Path(place, ARCHIVE)
        if not came.is_file() or not _is_expected(came):
            raise InputError(f"what npm gave as {PACKAGE} {VERSION} is not what is expected, and is not used.")
        with whole_file(kept) as partial:
            shutil.copyfile(came, partial)


def _is_expected(path: Path) -> bool:
    with path.open("rb") as file:
        return base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode() == INTEGRITY


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None  # the digest has said so
    return file.read()
