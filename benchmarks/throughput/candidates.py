"""The candidates of the comparison, and the data they are trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evo.training.task import DataReference, TrainingSettings, TrialTask
from genomes.gene import Gene
from genomes.genes.layers import Conv, Dense, Dropout, Flatten, GlobalPool, Pool, SeparableConv
from genomes.genes.training import ImageTraining
from genomes.genome import Genome

#: Rows of Fashion-MNIST, training and validation together.
FASHION_ROWS = 10_000
#: Epochs that every candidate is trained for.
EPOCHS = 3
BATCH_SIZE = 32
KINDS = ("plain", "residual", "separable")


def genomes(count: int, seed: int = 0) -> list[Genome]:
    """Mixed genomes: a third each plain, residual and separable, of various widths and depths.

    Their training settings are what KerasTuner's ``fit`` can do as well: a constant rate, no augmentation.
    """
    rng = np.random.default_rng(seed)
    return [_genome(KINDS[index % 3], rng, 1000 * (index + 1)) for index in range(count)]


def _genome(kind: str, rng: np.random.Generator, innovation: int) -> Genome:
    from genomes.genes.blocks import Residual

    numbers = iter(range(innovation, innovation + 1000))
    filters = int(rng.choice([8, 16, 24]))

    def conv(width: int, strides: int = 1, activation: str = "relu") -> Gene:
        return Conv(
            next(numbers), filters=width, kernel=3, strides=strides, normalization="batch", activation=activation
        )

    genes: list[Gene] = [conv(filters)]
    for stage in range(int(rng.integers(1, 4))):
        width = filters * (1 + stage // 2)
        if kind == "plain":
            genes += [conv(width), Pool(next(numbers))]
        elif kind == "separable":
            genes += [
                SeparableConv(next(numbers), filters=width, kernel=3, normalization="batch", activation="relu"),
                Pool(next(numbers)),
            ]
        else:
            genes.append(Residual(next(numbers), activation="relu", body=(conv(width), conv(width, 1, "linear"))))
            if stage == 0:
                genes.append(Pool(next(numbers)))
    genes.append(GlobalPool(next(numbers)) if rng.random() < 0.7 else Flatten(next(numbers)))
    genes.append(Dense(next(numbers), units=int(rng.choice([16, 32, 64])), normalization="none", activation="relu"))
    if rng.random() < 0.5:
        genes.append(Dropout(next(numbers), rate=0.2))
    training = ImageTraining(
        next(numbers), optimizer="adam", learning_rate=float(rng.choice([0.001, 0.002, 0.003])), batch_size=BATCH_SIZE
    )
    return Genome(genes, training)


@dataclass(frozen=True)
class Inputs:
    """Data and space of one comparison, laid out in a folder.

    Attributes:
        folder: where the arrays are (``.npy``), and ``preprocessing.npz``.
        space: the space as JSON.
        reference: what a worker opens.
    """

    folder: Path
    space: dict[str, Any]
    reference: DataReference

    def task(
        self,
        number: int,
        genome: Genome,
        first: int,
        last: int,
        seed: int,
        folder: str,
        settings: TrainingSettings | None = None,
        **changes: Any,
    ) -> TrialTask:
        """A trial on these inputs."""
        return TrialTask(
            number=number,
            space=self.space,
            genome=genome.to_json(),
            first_epoch=first,
            last_epoch=last,
            seed=seed,
            directory=str(self.folder / folder / str(number)),
            data=self.reference,
            preprocessing=str(self.folder / "preprocessing.npz"),
            settings=settings or TrainingSettings(),
            **changes,
        )


def inputs(task_name: str, folder: Path, data_dir: str | None, rows: int | None = None) -> Inputs:
    """Lay a benchmark task out for workers.

    Args:
        task_name: ``digits`` or ``fashion-mnist``.
        folder: an empty folder.
        data_dir: see :func:`benchmarks.tasks.load`.
        rows: training and validation rows together; None for all.
    """
    from benchmarks.tasks import load

    task = load(task_name, data_dir, train_size=rows)
    space = task.space()
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for role in ("train", "validation"):
        x, y = getattr(task, f"x_{role}"), getattr(task, f"y_{role}")
        for name, array in ((f"x_{role}", space.prepare(x)), (f"y_{role}", space.target.prepare(y))):
            np.save(folder / f"{name}.npy", array)
            arrays[name] = f"{name}.npy"
    np.savez(folder / "preprocessing.npz", **space.adapt(space.prepare(task.x_train), task.y_train))
    reference = DataReference(f"{task_name}-{task.fingerprint}", str(folder), arrays)
    return Inputs(folder, space.to_json(), reference)
