"""The devices that models run on, by the names that settings and commands give them. Imports nothing slow."""

from typing import Literal, get_args

Device = Literal["auto", "cpu", "cuda", "mps"]

DEVICES: tuple[str, ...] = get_args(Device)
