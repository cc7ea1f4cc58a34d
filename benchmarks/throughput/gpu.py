"""On a GPU: mixed precision against float32, several candidates on one GPU against one at a time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.throughput.candidates import Inputs, genomes
from benchmarks.throughput.our_side import done
from evo.training.task import DataReference, TrainingSettings
from evo.workers import LocalProcesses
from genomes.gene import Gene
from genomes.genes.layers import Conv, GlobalPool
from genomes.genes.training import ImageTraining
from genomes.genome import Genome


def available() -> bool:
    """Whether TensorFlow sees a GPU; asked in a worker, so that the driver leaves the GPU alone."""
    with LocalProcesses(1) as pool:
        return bool(pool.submit(_gpus).result())


def _gpus() -> int:
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))


def measure(folder: Path, count: int) -> list[dict[str, Any]]:
    """All figures, on random images of 32x32x3.

    Args:
        folder: an empty folder.
        count: candidates that share the GPU.
    """
    inputs = _random_images(folder)
    rows = []
    large = _large()
    for precision in ("float32", "mixed_float16", "mixed_bfloat16"):
        settings = TrainingSettings(precision=precision, strategy="gpu", deterministic=False)
        with LocalProcesses(1, settings) as pool:
            first = done(pool, [inputs.task(0, large, 0, 1, 0, precision, settings)])[0]
            second = done(pool, [inputs.task(1, large, 1, 4, 0, precision, settings, start=first.state)])[0]
        rows.append(
            {
                "what": "precision",
                "setting": precision,
                "parameters": second.outcome.parameters,
                "seconds": second.outcome.seconds.get("train"),
                "message": second.outcome.message,
            }
        )
    for workers in (1, 2, 4):
        settings = TrainingSettings(strategy="gpu", deterministic=False)
        with LocalProcesses(workers, settings) as pool:
            done(pool, [inputs.task(n, genomes(1)[0], 0, 1, 0, f"warm-{workers}", settings) for n in range(workers)])
            tasks = [inputs.task(n, g, 0, 3, n, f"shared-{workers}", settings) for n, g in enumerate(genomes(count))]
            began = time.perf_counter()
            reports = done(pool, tasks)
            seconds = time.perf_counter() - began
        failed = sum(not report.outcome.completed for report in reports)
        rows.append(
            {
                "what": "sharing",
                "setting": f"{workers} at a time",
                "parameters": None,
                "seconds": seconds,
                "message": f"{failed} of {count} failed" if failed else "",
            }
        )
    return rows


def _large() -> Genome:
    """Some five million parameters."""
    genes: list[Gene] = []
    for stage, width in enumerate((64, 128, 256, 512)):
        for layer in range(2):
            genes.append(
                Conv(
                    10 * stage + layer + 1,
                    filters=width,
                    kernel=3,
                    strides=2 if layer == 0 and stage else 1,
                    normalization="batch",
                    activation="relu",
                )
            )
    return Genome([*genes, GlobalPool(99)], ImageTraining(100, batch_size=256))


def _random_images(folder: Path, rows: int = 10_000) -> Inputs:
    from genomes.spaces import image

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {
        "x_train": rng.integers(0, 256, (rows, 32, 32, 3), dtype=np.uint8),
        "y_train": rng.integers(0, 10, rows).astype(np.int32),
        "x_validation": rng.integers(0, 256, (1000, 32, 32, 3), dtype=np.uint8),
        "y_validation": rng.integers(0, 10, 1000).astype(np.int32),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    space = image((32, 32, 3), 10)
    state: dict[str, Any] = space.adapt(arrays["x_train"][:1000], arrays["y_train"][:1000])
    np.savez(folder / "preprocessing.npz", **state)
    reference = DataReference("random-images", str(folder), {name: f"{name}.npy" for name in arrays})
    return Inputs(folder, space.to_json(), reference)
