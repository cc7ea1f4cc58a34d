"""A small space for tests of training: four kinds of networks, settings in the training gene."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from genomes.costs import Cost
from genomes.domains import Boolean, Choice, Float, Int
from genomes.gene import Gene
from genomes.genome import Genome
from genomes.spaces.base import Space
from genomes.targets import Target


class TestNetwork(Gene):
    """A whole little network."""

    __test__ = False
    kind = Choice(["dense", "convolution", "broken", "linear"])
    units = Int(1, 512, default=8)
    dropout = Float(0.0, 0.9, default=0.0)
    normalization = Boolean(default=False)
    penalty = Float(0.0, 1.0, default=0.0)

    def build(self, x: Any) -> Any:
        import keras

        if self.kind == "broken":
            raise RuntimeError("this gene is broken")
        layers = keras.layers
        regularizer = keras.regularizers.L2(self.penalty) if self.penalty else None
        if self.kind == "linear":
            return layers.Flatten()(x)
        if self.kind == "convolution":
            x = layers.Conv2D(self.units, 3, padding="same", kernel_regularizer=regularizer)(x)
        else:
            x = layers.Dense(self.units, kernel_regularizer=regularizer)(layers.Flatten()(x))
        if self.normalization:
            x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        if self.dropout:
            x = layers.Dropout(self.dropout)(x)
        return layers.Flatten()(x)


class TestTraining(Gene):
    """Training settings."""

    __test__ = False
    optimizer = Choice(["adam", "sgd"])
    learning_rate = Float(1e-5, 1e30, log=True, default=1e-2)
    weight_decay = Float(0.0, 1.0, default=0.0)
    batch = Int(1, 1024, default=32)
    smoothing = Float(0.0, 0.5, default=0.0)
    noise = Float(0.0, 1.0, default=0.0)


class TrainingSpace(Space):
    """Inputs of any shape to exclusive classes or numbers."""

    def __init__(self, input_shape: tuple[int, ...] = (8, 8, 1), classes: int | None = 3) -> None:
        self.input_shape = tuple(input_shape)
        self.classes = classes
        self.target = Target.infer(classes=classes, task="multiclass") if classes else Target.infer(outputs=1)

    def genome(self, training: Mapping[str, Any] | None = None, **network: Any) -> Genome:
        """A genome with these settings."""
        return Genome((TestNetwork(1, **network),), TestTraining(2, **(training or {})))

    def default(self) -> Genome:
        return self.genome()

    smallest = default

    def sample(self, rng: np.random.Generator) -> Genome:
        return self.genome(units=int(rng.integers(2, 9)))

    def validate(self, genome: Genome) -> None:
        del genome

    def repair(self, genome: Genome, rng: np.random.Generator) -> Genome:
        return genome

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        return self.sample(rng)

    def crossover(self, first: Genome, second: Genome, rng: np.random.Generator) -> tuple[Genome, Genome]:
        return first, second

    def cost(self, genome: Genome) -> Cost:
        pixels = int(np.prod(self.input_shape))
        return Cost(pixels * genome.genes[0].units, 2 * pixels * genome.genes[0].units)

    def features(self, genome: Genome) -> np.ndarray:
        return np.zeros(1)

    @property
    def feature_names(self) -> tuple[str, ...]:
        return ("none",)

    def describe(self) -> str:
        return "a space for tests"

    def arguments(self) -> dict[str, Any]:
        return {"input_shape": list(self.input_shape), "classes": self.classes}

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> TrainingSpace:
        return cls(tuple(arguments["input_shape"]), arguments["classes"])

    def build(
        self,
        genome: Genome,
        preprocessing: Mapping[str, np.ndarray] | None = None,
        dtype: str | None = None,
        seed: int | None = None,
    ) -> Any:
        import keras

        from genomes.build import apply, recording

        if seed is not None:
            keras.utils.set_random_seed(seed % 2**32)
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(dtype or "float32")
        try:
            with recording() as recorder:
                inputs = keras.Input(self.input_shape, dtype="float32")
                body = apply(genome.genes, inputs)
                outputs = self.target.head(body)
                recorder.claim("head", body, outputs)
            model = keras.Model(inputs, outputs)
        finally:
            keras.config.set_dtype_policy(before)
        object.__setattr__(model, "gene_layers", MappingProxyType(recorder.layers))
        return model

    def loss(self, genome: Genome) -> Any:
        return self.target.loss(genome.training.smoothing)

    def optimizer(self, genome: Genome) -> Any:
        import keras

        settings = genome.training
        if settings.optimizer == "sgd":
            return keras.optimizers.SGD(settings.learning_rate, momentum=0.9)
        return keras.optimizers.AdamW(settings.learning_rate, weight_decay=settings.weight_decay)

    def batch_size(self, genome: Genome) -> int:
        return genome.training.batch

    def learning_rates(
        self, genome: Genome, first_epoch: int, last_epoch: int, final: bool, steps_per_epoch: int
    ) -> np.ndarray:
        steps = np.arange(first_epoch * steps_per_epoch, last_epoch * steps_per_epoch)
        rates = genome.training.learning_rate / (1 + 0.01 * steps)
        if final:
            rates = rates * np.linspace(1, 0, len(steps), endpoint=False)
        return rates.astype(np.float32)

    def needs_soft_targets(self, genome: Genome) -> bool:
        return genome.training.smoothing > 0

    def augment(self, genome: Genome, x: Any, y: Any, seed: Any) -> tuple[Any, Any]:
        if not genome.training.noise:
            return x, y
        import keras

        position = keras.ops.cast(seed[0] % 1009 + 31 * seed[1], "float32")
        shift = keras.ops.sin(position) * genome.training.noise
        return x + shift, y


def digits_like(rows: int = 90, validation: int = 30, classes: int = 3, seed: int = 0) -> dict[str, np.ndarray]:
    """Arrays of a small, learnable image task."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, rows + validation).astype(np.int32)
    x = rng.normal(size=(rows + validation, 8, 8, 1)).astype(np.float32)
    for label in range(classes):
        x[y == label, label : label + 3] += 1.5
    return {
        "x_train": x[:rows],
        "y_train": y[:rows],
        "x_validation": x[rows:],
        "y_validation": y[rows:],
    }


def train_here(task: Any) -> Any:
    """``evo.training.train`` for workers: importing this module registers the space."""
    from evo.training import train

    return train(task)
