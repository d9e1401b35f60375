"""The format, by files that are put together here from docs/field-files.md, and the reader that needs nothing but numpy."""

import ast
import math
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernel_fields import clear_of_the_cut
from splat_fields import free_field, grid_field, photographs_field
from splatsr import GaussianField
from splatsr.errors import InputError
from splatsr.geometry import resolve_output
from splatsr.splat_files import reader
from splatsr.splat_files.reader import SplatFile, SplatFileError
from splatsr.splatting.footprint import excess, widen

HEADER = "<8sHBBHHIIdQI"
KERNEL = np.array([0.25, -0.125, 0.5, -0.25, 0.375, 1.0, 0.5, -0.75])
"""Offset, shape and color of the one kernel of the files below."""


def ordered(values: Sequence[float]) -> np.ndarray:
    """float16 as whole numbers in their order, by the words of the documentation."""
    patterns = np.array(values, "<f2").view("<u2").astype(int)
    return np.array([0xFFFF - pattern if pattern >= 0x8000 else pattern + 0x8000 for pattern in patterns])


def coded(values: np.ndarray, bits: int = 16) -> bytes:
    """Predicted from nothing, as a single kernel is: red and blue less green, zigzag, low bytes before high ones."""
    values = values.copy()
    for channel in (5, 7):
        values[channel] = (values[channel] - values[6] + 2 ** (bits - 1)) % 2**bits
    signed = [value if value < 2 ** (bits - 1) else value - 2**bits for value in values]
    zigzag = [2 * value if value >= 0 else -2 * value - 1 for value in signed]
    return bytes(value & 255 for value in zigzag) + bytes(value >> 8 for value in zigzag)


def file_of(
    content: bytes, *, bits: int = 16, per_side: int = 1, channels: int = 3, margin: int = 0, size: Sequence[int] = (1, 1),
    reference: float = 4.0, kernels: int = 1, bands: int = 1, in_band: int = 1, version: int = 1,
    reach: Sequence[float] = (0.0, 1.0, 1.0), deflate: bool = True,
) -> bytes:  # fmt: skip
    """A file with one band."""
    band = zlib.compress(content) if deflate else content
    index = struct.pack("<IIIfff", len(band), zlib.crc32(band), in_band, *reach)
    header = struct.pack(HEADER, b"\x89SPLAT\r\n", version, bits, per_side, channels, margin, *size, reference, kernels, bands)
    return header + struct.pack("<I", zlib.crc32(header + index)) + index + band


ONE = coded(ordered(KERNEL))


def opened(path: Path, content: bytes) -> SplatFile:
    (path / "a.splat").write_bytes(content)
    return SplatFile(path / "a.splat")


def only_band(path: Path, content: bytes) -> reader.Kernels:
    file = opened(path, content)
    return file.read(file.bands[0])


def test_a_file_of_float16_by_the_words_of_the_documentation(tmp_path: Path) -> None:
    means, cholesky, colors = only_band(tmp_path, file_of(ONE))
    assert means.tolist() == [[0.75, 0.375]]
    assert cholesky.tolist() == [[0.5, -0.25, 0.375]]
    assert colors.tolist() == [[1.0, 0.5, -0.75]]


def test_a_file_of_ten_bits_by_the_words_of_the_documentation(tmp_path: Path) -> None:
    lowest, highest = np.full(8, -1.0, "<f4"), np.full(8, 3.0, "<f4")
    steps = np.array([0, 1, 511, 512, 1023, 300, 301, 299])
    content = lowest.tobytes() + highest.tobytes() + coded(steps, 10)
    means, cholesky, colors = only_band(tmp_path, file_of(content, bits=10, reach=(-1.0, 1.0, 4.0)))
    numbers = np.concatenate([means - 0.5, cholesky, colors], 1)[0]
    assert numbers == pytest.approx(-1 + 4 * steps / 1023, abs=1e-6)


def test_a_kernel_without_a_cell_by_the_words_of_the_documentation(tmp_path: Path) -> None:
    steps = struct.pack("<Q", 2 * 5 + 3)  # row 2, column 3 of five
    means, *_ = only_band(tmp_path, file_of(steps + ONE, per_side=0, size=(4, 5), reach=(2.0, 3.0, 1.0)))
    assert means.tolist() == [[3.75, 2.375]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no field file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(90), "no field file"),
        (bytes(3200), "no field file"),
        (file_of(ONE)[:20], "ends within its header"),
        (file_of(ONE)[:60], "ends within its index"),
        (file_of(ONE)[:-1], "bytes long"),
        (file_of(ONE) + b"\0", "bytes long"),
        (file_of(ONE, version=2), "version 2; this reader knows version 1"),
        (file_of(ONE, bands=2**32 - 1), "ends within its index"),
        (file_of(ONE, bands=0), "header or its index"),
        *((file_of(ONE, **wrong), "what cannot be") for wrong in (
            {"bits": 7}, {"bits": 17}, {"channels": 0}, {"size": (0, 1)}, {"size": (1, 2**31)}, {"reference": -1.0},
            {"reference": math.nan}, {"kernels": 2}, {"kernels": 2**63, "per_side": 255}, {"margin": 1}, {"in_band": 0},
            {"size": (1, 2)}, {"in_band": 2**31, "kernels": 2**31, "size": (2**31 - 1, 1)}, {"reach": (1.0, 0.0, 1.0)},
            {"reach": (math.nan, 1.0, 1.0)}, {"reach": (0.0, math.inf, 1.0)}, {"reach": (0.0, 1.0, -1.0)},
        )),
        (file_of(ONE, size=(2, 1), kernels=2), "differ in the number of kernels"),
    ],
)  # fmt: skip
def test_a_header_that_cannot_be_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(SplatFileError, match=said):
        opened(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (file_of(ONE[:-1]), "too many or too few"),
        (file_of(ONE + b"\0"), "too many or too few"),
        (file_of(bytes(10**8)), "too many or too few"),
        (file_of(zlib.compress(ONE) + b"\0", deflate=False), "too many or too few"),
        (file_of(zlib.compress(ONE)[:-1], deflate=False), "too many or too few"),
        (file_of(ONE, deflate=False), "cannot be inflated"),
        (file_of(coded(ordered([math.inf] + [0.5] * 7))), "not finite"),
        (file_of(coded(ordered([0.5] * 6 + [math.nan, 0.5]))), "not finite"),
        (file_of(np.array([-math.inf] * 8 + [1] * 8, "<f4").tobytes() + bytes(16), bits=8), "not finite"),
        (file_of(np.array([-1] * 8 + [1e38] * 8, "<f4").tobytes() + coded(np.full(8, 200), 8), bits=8), "beyond 65504"),
        (file_of(16 * b"\x01\x00\xa0\x7f" + bytes(16), bits=8), "not finite"),  # NaN that signals, which numpy warns of
        (file_of(struct.pack("<Q", 20) + ONE, per_side=0, size=(4, 5)), "lie in no pixel"),
        (file_of(struct.pack("<Q", 2**64 - 1) + ONE, per_side=0, size=(4, 5)), "lie in no pixel"),
    ],
)
def test_a_band_that_cannot_be_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(SplatFileError, match=said):
        only_band(tmp_path, content)


@pytest.mark.parametrize("bits", [16, 10])
@pytest.mark.parametrize("field", [grid_field(margin=1), free_field()], ids=["cells", "free"])
def test_whatever_byte_changes_is_noticed(tmp_path: Path, field: GaussianField, bits: int) -> None:
    """Every byte of header and index, every seventh of the kernels: there is no other content without an error."""
    path = tmp_path / "a.splat"
    field.save(path, bits=10 if bits == 10 and field.margin else 16)
    whole = path.read_bytes()
    for place in [*range(100), *range(100, len(whole), 7)]:
        for change in (1, 128):
            damaged = bytearray(whole)
            damaged[place] ^= change
            path.write_bytes(damaged)
            with pytest.raises(SplatFileError, match=r"damaged|no field file|version"):
                [file.read(band) for file in [SplatFile(path)] for band in file.bands]
    for length in range(0, len(whole), 13):
        path.write_bytes(whole[:length])
        with pytest.raises(SplatFileError):
            SplatFile(path)


@given(st.data())
def test_a_hostile_file_with_right_checksums_is_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Any value anywhere, in files whose checksums say that it was meant."""
    path = tmp_path_factory.mktemp("hostile") / "a.splat"
    draw = data.draw
    fields = {
        "bits": draw(st.sampled_from([8, 10, 16, 16, 200])), "per_side": draw(st.sampled_from([0, 1, 2, 255])),
        "channels": draw(st.sampled_from([1, 3, 3, 65535])), "margin": draw(st.sampled_from([0, 1, 65535])),
        "size": draw(st.tuples(*[st.sampled_from([1, 2, 3, 2**31 - 1, 2**32 - 1])] * 2)),
        "reference": draw(st.floats()), "kernels": draw(st.sampled_from([1, 2, 4, 2**23, 2**64 - 1])),
        "in_band": draw(st.sampled_from([1, 2, 4, 2**20, 2**32 - 1])), "bands": draw(st.sampled_from([0, 1, 1, 1, 2])),
        "reach": draw(st.tuples(*[st.floats(width=32)] * 3)),
    }  # fmt: skip
    path.write_bytes(file_of(draw(st.binary(max_size=100)), **fields))
    try:
        file = SplatFile(path)
        for band in file.bands:
            means, cholesky, colors = file.read(band, int(np.floor(band.top)))
            assert len(means) == len(cholesky) == len(colors) == band.kernels
            assert np.isfinite(cholesky).all()
            file.touching(0, 1)
    except SplatFileError:
        pass


@pytest.mark.parametrize("wanted", [{"scale": 1}, {"scale": 2.5}, {"scale": (4, 1.3)}, {"size": (30, 17)}, {"scale": 0.4}])
@pytest.mark.parametrize("reference_scale", [0, 2.0, math.inf])
@pytest.mark.parametrize("field", [grid_field(margin=2), free_field()], ids=["cells", "free"])
def test_it_renders_what_the_loaded_field_renders(
    tmp_path: Path, field: GaussianField, reference_scale: float, wanted: dict
) -> None:
    replace(field, reference_scale=reference_scale).save(tmp_path / "a.splat")
    loaded = GaussianField.load(tmp_path / "a.splat")
    ours = torch.from_numpy(SplatFile(tmp_path / "a.splat").render(**wanted)).permute(2, 0, 1)[None]
    in_double = replace(loaded, means=loaded.means.double(), cholesky=loaded.cholesky.double(), colors=loaded.colors.double())
    clear = clear_of_the_cut(in_pixels(loaded, wanted), (ours.shape[2], ours.shape[3]))
    assert clear.mean() > 0.9
    torch.testing.assert_close(ours * clear, in_double.render(**wanted) * clear, atol=1e-9, rtol=0)
    torch.testing.assert_close(ours * clear, loaded.render(**wanted).double() * clear, atol=1e-5, rtol=0)


def in_pixels(field: GaussianField, wanted: dict) -> tuple[torch.Tensor, ...]:
    """The kernels that are summed, in output pixels."""
    (height, width), (scale_y, scale_x) = resolve_output(field.size, **wanted)
    means = field.means * torch.tensor([width / field.size[1], height / field.size[0]])
    cholesky = field.cholesky * torch.tensor([scale_x, scale_y, scale_y])
    return means, *widen(cholesky, field.colors, excess((scale_y, scale_x), field.reference_scale))


def test_a_photograph_is_the_loaded_fields_at_all_scales(tmp_path: Path) -> None:
    photographs_field(16, 24).save(tmp_path / "a.splat", bits=10)
    loaded = GaussianField.load(tmp_path / "a.splat")
    for scale in (1, 1.5, 3, 7.3):
        ours = torch.from_numpy(SplatFile(tmp_path / "a.splat").render(scale=scale)).permute(2, 0, 1)[None]
        clear = clear_of_the_cut(in_pixels(loaded, {"scale": scale}), (ours.shape[2], ours.shape[3]))
        torch.testing.assert_close(ours * clear, loaded.render(scale=scale).double() * clear, atol=1e-5, rtol=0)


def test_strips_are_the_image(tmp_path: Path) -> None:
    grid_field(margin=1).save(tmp_path / "a.splat")
    file = SplatFile(tmp_path / "a.splat")
    strips = list(file.strips(scale=3, rows=4))
    assert [len(strip) for strip in strips] == [4, 4, 4, 4, 4, 1]
    np.testing.assert_allclose(np.concatenate(strips), file.render(scale=3), atol=1e-12)


def test_empty_kernels_add_nothing() -> None:
    image = np.zeros((3, 4, 1))
    shapes = np.array([[0, 1, 1], [1, 1, 0], [1e-9, 0, 1], [1, 2e15, 1], [-1.0, 0, 1]])
    reader.add_kernels(image, np.full((5, 2), 1.5), shapes, np.ones((5, 1)))
    alone = np.zeros((3, 4, 1))
    reader.add_kernels(alone, np.full((1, 2), 1.5), shapes[4:], np.ones((1, 1)))
    assert np.array_equal(image, alone)
    assert image[1, 1, 0] == 1


def test_a_wanted_size_that_is_none_is_refused(tmp_path: Path) -> None:
    grid_field().save(tmp_path / "a.splat")
    file = SplatFile(tmp_path / "a.splat")
    for wanted in ({}, {"scale": 2, "size": (3, 4)}, {"scale": 0.01}, {"size": (0, 4)}):
        with pytest.raises(ValueError, match=r"give either|at least one pixel"):
            file.render(**wanted)


@pytest.mark.parametrize("copied", [False, True])
def test_it_works_where_there_is_no_torch(tmp_path: Path, copied: bool) -> None:
    """Within the package, and as a file of its own beside a script, without anything but numpy."""
    grid_field().save(tmp_path / "a.splat", bits=12)
    shutil.copy(reader.__file__, tmp_path / "reader.py")
    missing = ("torch", "numba", "safetensors", "jaxtyping", *(["splatsr"] if copied else []))
    code = (
        f"import sys\nfor name in {missing}: sys.modules[name] = None\n"
        f"from {'reader' if copied else 'splatsr.splat_files.reader'} import SplatFile\n"
        "import numpy as np; np.save('image.npy', SplatFile('a.splat').render(scale=2))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = GaussianField.load(tmp_path / "a.splat").render(scale=2)[0].permute(1, 2, 0)
    assert np.median(np.abs(np.load(tmp_path / "image.npy") - expected.numpy())) < 1e-6


def test_it_imports_numpy_and_the_standard_library_alone() -> None:
    imports = [node for node in ast.walk(ast.parse(Path(reader.__file__).read_text())) if isinstance(node, ast.Import)]
    froms = [node.module for node in ast.walk(ast.parse(Path(reader.__file__).read_text())) if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports for alias in node.names} | {str(module).split(".")[0] for module in froms}
    assert names <= {"numpy", *sys.stdlib_module_names}


@pytest.mark.parametrize("bits", [16, 12])
def test_kernels_lie_where_the_index_says(tmp_path: Path, bits: int) -> None:
    """An index with a right checksum that would let rows be drawn without kernels that reach them."""
    path = tmp_path / "a.splat"
    grid_field().save(path, bits=bits)
    content = bytearray(path.read_bytes())
    count = struct.unpack_from("<I", content, 40)[0]
    for place, value in ((12, 1.0), (16, -0.5), (20, 0.01)):  # smallest y, largest y, largest deviation
        changed = bytearray(content)
        struct.pack_into("<f", changed, 48 + place, value)
        if place == 12:
            struct.pack_into("<f", changed, 48 + 16, max(value, struct.unpack_from("<f", content, 48 + 16)[0]))
        elif place == 16:
            struct.pack_into("<f", changed, 48 + 12, min(value, struct.unpack_from("<f", content, 48 + 12)[0]))
        struct.pack_into("<I", changed, 44, zlib.crc32(changed[:44] + changed[48 : 48 + 24 * count]))
        path.write_bytes(changed)
        file = SplatFile(path)
        with pytest.raises(SplatFileError, match="lie elsewhere than its index says"):
            file.read(file.bands[0])
        with pytest.raises(InputError, match="lie elsewhere than its index says"):
            GaussianField.load(path)
