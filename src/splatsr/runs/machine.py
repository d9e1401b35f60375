"""The machine that a figure was measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch


def describe_machine(device: torch.device | None = None) -> dict[str, str | int]:
    """Processor (or GPU), cores, threads and the versions that decide about speed."""
    on_gpu = device is not None and device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if on_gpu else processor(),
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numba": version("numba"),
    }


def hardware() -> str:
    """The GPUs that torch sees, where there are any, the processor and its cores, in words."""
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return ", ".join([*gpus, processor(), f"{os.cpu_count()} cores"])


def processor() -> str:
    """The processor's model name, as well as the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
