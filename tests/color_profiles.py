"""Small ICC profiles (ICC.1:2010) for tests: sRGB, a grey one, and one of inks."""

import itertools
import struct

from PIL import ImageCms


def srgb() -> bytes:
    """LittleCMS's own."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def grey(gamma: float) -> bytes:
    """Light is the value to the power of `gamma`."""
    return _profile(
        b"GRAY", b"XYZ ", {b"wtpt": _WHITE, b"kTRC": b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256)) + b"\0\0"}
    )


def inks(*, black: bool) -> bytes:
    """CMYK of which no ink is white; `black`: any ink at all is black, otherwise mid-grey."""
    corners = (((255 if not any(inks) else 0 if black else 128), 128, 128) for inks in itertools.product((0, 1), repeat=4))
    identity = struct.pack(">9i", *(65536 if row == column else 0 for row in range(3) for column in range(3)))
    ramp = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + 4 * ramp + bytes(itertools.chain(*corners)) + 3 * ramp
    return _profile(b"CMYK", b"Lab ", {b"wtpt": _WHITE, b"A2B0": table})


_WHITE = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)


def _profile(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    start = 128 + 4 + 12 * len(tags)
    table, content = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += name + struct.pack(">II", start + len(content), len(value))
        content += value
    header = struct.pack(">I4sI4s4s4s", start + len(content), b"lcms", 0x02400000, b"prtr", space, connection)
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + content
