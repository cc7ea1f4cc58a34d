"""Keras' own ``fit``, epoch by epoch: for torch, for models with a ``train_step`` of their own, for large data.

Slower than a compiled epoch, and right wherever Keras is. Data are read from
memory-mapped files batch by batch.
"""

from __future__ import annotations

import math
import time
from typing import Any

import keras
import numpy as np

from evo.training.backends.engine import Engine, EpochResult, Recipe
from evo.training.criterion import Criterion
from evo.training.resident_data import ResidentData, computing_type

#: Rows per step of evaluation.
EVALUATION_ROWS = 512


class FitEngine(Engine):
    """Trains by ``keras.Model.fit``.

    With soft targets (label smoothing, mixup) training metrics compare with
    the class of the largest target.
    """

    def __init__(self, recipe: Recipe, data: ResidentData) -> None:
        super().__init__(recipe, data)
        self._criterion = Criterion(recipe.space, recipe.genome, self.model, recipe.preprocessing)
        self._validation = Criterion(recipe.space, recipe.genome, self.model, recipe.preprocessing)
        metrics: Any = recipe.space.metrics()
        if self._criterion.soft and self._criterion.target is not None:
            metrics = self._criterion.target.metrics(soft=True)
        self.model.compile(recipe.optimizer, self._criterion.loss, metrics=metrics, jit_compile=False)
        self.optimizer.build(self.model.trainable_variables)
        self.remember_fresh_optimizer()

    def train_epoch(self, order: np.ndarray, rates: np.ndarray, seed: int, step: int) -> EpochResult:
        """Train one epoch by ``fit``, with each step's own learning rate."""
        began = time.perf_counter()
        watch = _Watch(self.optimizer, rates, seed, step)
        history = self.model.fit(
            _Batches(self, order, seed, step), epochs=1, verbose=0, shuffle=False, callbacks=[watch]
        ).history
        self.seconds["train"] = self.seconds.get("train", 0.0) + time.perf_counter() - began
        logs = {name: float(values[-1]) for name, values in history.items()}
        return EpochResult(logs, watch.finite, watch.steps, watch.first_loss)

    def evaluate(self) -> tuple[dict[str, float], np.ndarray]:
        """Loss and metrics on the validation rows, and predictions for them, batch by batch."""
        began = time.perf_counter()
        split = self.data.validation
        total, summed, parts = split.rows, 0.0, []
        self._validation.reset()
        for first in range(0, total, EVALUATION_ROWS):
            rows = np.arange(first, min(first + EVALUATION_ROWS, total))
            predictions = self.model.predict_on_batch(_take(split.x, rows))
            y = keras.tree.map_structure(keras.ops.convert_to_tensor, _take(split.y, rows))
            weight = None if split.weight is None else keras.ops.convert_to_tensor(_take(split.weight, rows))
            predicted = keras.tree.map_structure(keras.ops.convert_to_tensor, predictions)
            loss = self._validation.validation_loss(y, predicted, weight) + self._validation.own_losses()
            self._validation.update(y, predicted)
            summed += float(keras.ops.convert_to_numpy(loss)) * len(rows)
            flat = [np.asarray(output, np.float32).reshape(len(rows), -1) for output in keras.tree.flatten(predictions)]
            parts.append(np.concatenate(flat, axis=1))
        results = self._validation.results().items()
        logs = {"loss": summed / total} | {n: float(keras.ops.convert_to_numpy(v)) for n, v in results}
        self.seconds["evaluate"] = self.seconds.get("evaluate", 0.0) + time.perf_counter() - began
        return logs, np.concatenate(parts)


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """One epoch of augmented batches in a given order."""

    def __init__(self, engine: FitEngine, order: np.ndarray, seed: int, step: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._engine, self._order, self._seed, self._step = engine, order, seed % 2**31, step

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._engine.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        engine = self._engine
        size = engine.batch_size
        rows = self._order[index * size : (index + 1) * size]
        split = engine.data.train
        x, y = _take(split.x, rows), _take(split.y, rows)
        x = keras.tree.map_structure(keras.ops.convert_to_tensor, x)
        y = keras.tree.map_structure(keras.ops.convert_to_tensor, y)
        seed = keras.ops.convert_to_tensor(np.array([self._seed, self._step + index], np.int32))
        recipe = engine.recipe
        x, y = recipe.space.augment(recipe.genome, x, engine._criterion.targets(y), seed)
        if split.weight is None:
            return x, y
        return x, y, keras.ops.convert_to_tensor(_take(split.weight, rows))


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets each step's learning rate, and ends the epoch at a loss that is not finite."""

    def __init__(self, optimizer: Any, rates: np.ndarray, seed: int, step: int) -> None:
        super().__init__()
        self._optimizer, self._rates, self._seed, self._step = optimizer, rates, seed, step
        self.steps, self.finite, self.first_loss = 0, True, math.nan

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._optimizer.learning_rate = float(self._rates[batch])
        # torch's own dropout draws from its global generator, which no state file holds: so each step
        # starts from a seed of its own.
        sequence = np.random.SeedSequence(self._seed, spawn_key=(1, self._step + batch))
        keras.utils.set_random_seed(int(sequence.generate_state(1)[0]))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        self.steps = batch + 1
        if batch == 0:
            self.first_loss = loss
        if not math.isfinite(loss):
            self.finite = False
            self.model.stop_training = True


def _take(arrays: Any, rows: np.ndarray) -> Any:
    """Rows of an array or of a dict of arrays, in the types that are computed in."""
    return keras.tree.map_structure(lambda array: np.asarray(array[rows], computing_type(array[rows])), arrays)
