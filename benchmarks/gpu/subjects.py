"""The models that are timed, and enlarged digits to train them on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gpu import MODELS
from benchmarks.throughput.candidates import Inputs
from evo.training.task import DataReference
from genomes.gene import Gene
from genomes.genes.layers import Conv, Dense, Flatten, GlobalPool
from genomes.genes.training import ImageTraining
from genomes.genome import Genome

#: Side of the images.
SIDE = 32


def subjects(quick: bool, names: Sequence[str] = MODELS) -> dict[str, Genome]:
    """The genomes by name.

    Args:
        quick: of a sixteenth of their widths, without the two large convolutional ones.
        names: which of them.
    """
    share = 16 if quick else 1
    made = {
        "small": _convolutional((16, 32), 1, 64, share),
        "medium": _convolutional((64, 128, 256), 2, 256, share),
        "wide": _convolutional((256, 512, 512), 2, 512, share),
        "dense": _dense(4096, 3, 1024 // share, share),
    }
    return {name: made[name] for name in names if not (quick and name in ("medium", "wide"))}


def _convolutional(widths: tuple[int, ...], depth: int, batch_size: int, share: int) -> Genome:
    """Stages of convolutions with batch normalization, each at half the side of the one before."""
    genes: list[Gene] = []
    for stage, width in enumerate(widths):
        for layer in range(depth):
            strides = 2 if layer == 0 and stage else 1
            filters = max(4, width // share)
            genes.append(
                Conv(len(genes) + 1, filters=filters, strides=strides, normalization="batch", activation="relu")
            )
    training = ImageTraining(100, learning_rate=1e-3, batch_size=batch_size)
    return Genome([*genes, GlobalPool(99)], training)


def _dense(units: int, depth: int, batch_size: int, share: int) -> Genome:
    layers = [
        Dense(n + 2, units=units // share, normalization="batch", activation="relu")
        for n in range(depth)
    ]  # fmt: skip
    return Genome([Flatten(1), *layers], ImageTraining(100, learning_rate=1e-3, batch_size=batch_size))


def enlarged_digits(folder: Path, rows: int, seed: int = 0) -> Inputs:
    """Digits of scikit-learn at four times their size, in three tinted channels, shifted and with noise.

    Training and validation rows come from different originals.

    Args:
        folder: an empty folder.
        rows: training rows; an original is used several times, each time with another shift and noise.
        seed: of split, shifts and noise.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    from genomes.spaces import image

    x, y = load_digits(return_X_y=True)
    parts = train_test_split(x, y, test_size=360, stratify=y, random_state=seed)
    generator = np.random.default_rng(seed)
    chosen = generator.integers(0, len(parts[0]), rows)
    arrays: dict[str, np.ndarray] = {
        "x_train": _images(parts[0][chosen], generator),
        "y_train": parts[2][chosen].astype(np.int32),
        "x_validation": _images(parts[1], generator),
        "y_validation": parts[3].astype(np.int32),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    space = image((SIDE, SIDE, 3), 10)
    state: dict[str, Any] = space.adapt(arrays["x_train"], arrays["y_train"])
    np.savez(folder / "preprocessing.npz", **state)
    reference = DataReference(f"enlarged-digits-{rows}", str(folder), {name: f"{name}.npy" for name in arrays})
    return Inputs(folder, space.to_json(), reference)


def _images(flat: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """uint8 images of shape (rows, SIDE, SIDE, 3)."""
    large = np.kron(flat.reshape(-1, 8, 8), np.ones((SIDE // 8, SIDE // 8)))
    shifts = generator.integers(-4, 5, (len(large), 2))
    large = np.stack([np.roll(image, tuple(shift), (0, 1)) for image, shift in zip(large, shifts, strict=True)])
    tints = generator.uniform(0.4, 1.0, (len(large), 1, 1, 3))
    noise = generator.normal(0, 40, (*large.shape, 3))
    images = large[..., None] * (255 / 16) * tints + noise
    return np.asarray(np.clip(images, 0, 255), np.uint8)
