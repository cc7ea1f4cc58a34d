"""The sections of the benchmark on a GPU: every row is written as soon as it is measured, tables are made of files."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine, tidy
from benchmarks.gpu import equality, report, timings
from benchmarks.gpu.subjects import enlarged_digits, subjects
from evo.workers import LocalProcesses


def run_all(only: Sequence[str], output: Path, models: Sequence[str], repeats: int, quick: bool) -> int:
    """Run sections one after the other; a section that fails is told and does not stop the next.

    Args:
        only: their names.
        output: folder for the results.
        models: names of the models of ``training``.
        repeats: of what is timed.
        quick: small models, few rows.

    Returns:
        0, or 1 if a section failed.
    """
    rows, epochs, few = (256, 1, 128) if quick else (16_384, 2, 2048)
    sections: dict[str, Callable[[Path], Iterator[dict[str, Any]]]] = {
        "training": lambda f: timings.training(
            enlarged_digits(f, rows), rows, epochs, repeats, subjects(quick, models)
        ),
        "sharing": lambda f: timings.sharing(
            enlarged_digits(f, few), 1 if quick else 4, 3, (2, 1) if quick else (4, 1, 2)
        ),
        "repeatability": lambda f: equality.repeatability(enlarged_digits(f, few), 4, quick),
        "agreement": lambda _: equality.agreement(quick),
    }
    tidy.write_json(output / "machine.json", {**machine.describe(), "device": device(), "quick": quick})
    status = 0
    for name in only:
        began = time.perf_counter()
        found: list[dict[str, Any]] = []
        with tempfile.TemporaryDirectory(prefix="evo-gpu-") as folder:
            try:
                for row in sections[name](Path(folder)):
                    found.append(row)
                    print(f"{name} {time.perf_counter() - began:.0f} s: {json.dumps(row)}", flush=True)
                    tidy.write(output / f"{name}.csv", found, list({key: None for one in found for key in one}))
            except Exception as error:
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                status = 1
    print(report.write(output))
    return status


def device() -> str:
    """Name of the device that workers compute on; asked in one, so that the driver leaves a GPU alone."""
    with LocalProcesses(1) as pool:
        return pool.submit(_device).result()


def _device() -> str:
    import keras

    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return str(jax.devices()[0].device_kind)
    return f"the {backend} backend's device"
