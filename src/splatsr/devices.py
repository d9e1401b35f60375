"""The devices that models run on, the precisions that they compute in and what draws their images, by the names that settings
and commands give them.

Imports nothing slow.
"""

from typing import Literal, get_args

Device = Literal["auto", "cpu", "cuda", "mps"]

DEVICES: tuple[str, ...] = get_args(Device)

Precision = Literal["auto", "float32", "bf16", "fp16"]

PRECISIONS: tuple[str, ...] = get_args(Precision)

Renderer = Literal["auto", "triton", "gsplat", "cpu", "reference"]

RENDERERS: tuple[str, ...] = get_args(Renderer)
