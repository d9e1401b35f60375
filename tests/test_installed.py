"""The package as it is installed: built once, without a network, and used from an empty folder."""

import os
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from splatsr import __version__
from splatsr.image_files.reading import image_size
from splatsr.released.catalogue import catalogue

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built with what is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", str(ROOT), *options, "--wheel-dir", str(folder)], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def binaries(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin/ of a new environment that holds the wheel, and sees the other packages of this one."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False)
    binaries = home / ("Scripts" if os.name == "nt" else "bin")
    options = ["--no-deps", "--no-index", "--disable-pip-version-check", "--quiet"]
    pip = [sys.executable, "-m", "pip", "--python", str(binaries / "python")]
    subprocess.run([*pip, "install", *options, str(wheel)], check=True)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text("\n".join(site.getsitepackages()))
    for path in sorted(packages.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return binaries


def run(binaries: Path, folder: Path, *command: str, **environment: str) -> str:
    """What a command prints, in `folder`, without a home or anything else of this process."""
    done = subprocess.run(
        [str(binaries / command[0]), *command[1:]],
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_wheel_holds_what_the_checkout_holds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    conf = {f"splatsr/{path.relative_to(ROOT)}" for path in (ROOT / "conf").rglob("*.yaml")}
    sources = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*.py")}
    shipped = (ROOT / "src/splatsr/released/weights").glob("*.safetensors")
    weights = {f"splatsr/released/weights/{path.name}" for path in shipped}
    assert {f"splatsr/released/weights/{one.file}" for one in catalogue().values()} <= weights
    more = {"splatsr/py.typed", "splatsr/released/models.json", *weights}
    photographs = {f"splatsr/data/photographs/{name}" for name in ("china.jpg", "flower.jpg", "LICENCES.txt")}
    viewer = ROOT / "src/splatsr/viewer"
    files = (path for path in viewer.rglob("*.*") if path.suffix not in (".py", ".pyc"))
    page = {f"splatsr/viewer/{path.relative_to(viewer)}" for path in files}
    assert {Path(name).suffix for name in page} >= {".js", ".glsl", ".html", ".css"}
    assert conf | sources | more | photographs | page <= inside
    assert f"-{__version__}-" in wheel.name
    assert not [name for name in inside if name.endswith((".pyc", ".nbi", ".nbc"))]


def test_without_checkout_home_and_writable_package(binaries: Path, tmp_path: Path) -> None:
    """Everything that a command writes is where the user stands, or in a cache of the user's."""
    Image.new("RGB", (20, 30), (90, 100, 110)).save(tmp_path / "photo.png")
    packages = next(binaries.parent.glob("lib/python*/site-packages"))
    before = {path: path.stat().st_mtime_ns for path in packages.rglob("*")}
    (tmp_path / "temporary").mkdir()
    nowhere = {"HOME": "/dev/null/nobody", "TMPDIR": str(tmp_path / "temporary")}
    run(binaries, tmp_path, "splatsr", "upscale", "photo.png", "--scale", "3.7", **nowhere)
    assert image_size(tmp_path / "photo_x3.7.png") == (111, 74)
    assert "tiny (the default): is here" in run(binaries, tmp_path, "splatsr", "models", **nowhere)
    assert run(binaries, tmp_path, "python", "-m", "splatsr", "--help") == run(binaries, tmp_path, "splatsr", "--help")
    assert "_target_: splatsr.jobs.train.train" in run(binaries, tmp_path, "splatsr", "train", "--cfg", "job", **nowhere)
    assert {path: path.stat().st_mtime_ns for path in packages.rglob("*")} == before
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png", "photo_x3.7.png", "temporary"}
