"""What a benchmark ran on: versions and machine, without names of hosts, users or folders."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

#: Distributions whose versions are recorded where they are installed.
PACKAGES = (
    "evo-keras",
    "tensorflow",
    "keras",
    "keras-tuner",
    "autokeras",
    "optuna",
    "dehb",
    "deap",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "jax",
    "torch",
    "h5py",
    "pebble",
    "ray",
)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, OSError, ValueError):
        return None


def cores() -> int:
    """Logical processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Versions of the packages that matter, by distribution name."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def describe() -> dict[str, Any]:
    """Machine and versions as a JSON object."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "packages": versions(),
    }


def line(machine: dict[str, Any] | None = None) -> str:
    """One line for tables and plots."""
    machine = describe() if machine is None else machine
    names = ("tensorflow", "keras", "keras-tuner")
    packages = [f"{name} {machine['packages'][name]}" for name in names if name in machine["packages"]]
    return ", ".join([f"{machine['cores']} cores of {machine['processor']}", f"Python {machine['python']}", *packages])
