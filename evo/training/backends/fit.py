"""Keras' own ``fit``, epoch by epoch: for torch, for models with a ``train_step`` of their own, for large data.

Slower than a compiled epoch, and right wherever Keras is. Data are read from
memory-mapped files batch by batch.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from evo.training.backends.batch_structure import as_model_takes
from evo.training.backends.engine import Engine, EpochResult, Recipe, follows_rates
from evo.training.backends.fit_on_replicas import built_by_whole_batch, on_one_device
from evo.training.backends.synchronized_layers import synchronized
from evo.training.criterion import SpaceCriterion
from evo.training.resident_data import ResidentData, Split, computing_type

#: Rows per step of evaluation of a space's own models.
EVALUATION_ROWS = 512


class FitEngine(Engine):
    """Trains by ``keras.Model.fit``.

    A model that came compiled is trained and evaluated as it was compiled,
    with its own ``train_step`` and ``test_step``. For a space's own models
    with soft targets (label smoothing, mixup) training metrics compare with
    the class of the largest target.
    """

    def __init__(self, recipe: Recipe, data: ResidentData) -> None:
        super().__init__(recipe, data)
        self._criterion: SpaceCriterion | None = None
        if not recipe.space.compiles_models:
            self._criterion = criterion = SpaceCriterion(recipe.space, recipe.genome, self.model, recipe.preprocessing)
            metrics: Any = recipe.space.metrics()
            if criterion.soft and criterion.target is not None:
                metrics = criterion.target.metrics(soft=True)
            self.model.compile(recipe.optimizer, criterion.training_loss, metrics=metrics, jit_compile=False)
        elif self.model.optimizer is not recipe.optimizer:
            self.model.optimizer = recipe.optimizer
        self.optimizer.build(self.model.trainable_variables)
        self.remember_fresh_optimizer()
        strategy = getattr(self.model, "distribute_strategy", None)
        #: A ``tf.distribute.Strategy`` of several replicas, or None.
        self.strategy = strategy if strategy is not None and strategy.num_replicas_in_sync > 1 else None

    def train_epoch(self, order: np.ndarray, rates: np.ndarray, seed: int, step: int) -> EpochResult:
        """Train one epoch by ``fit``, with each step's own learning rate."""
        began = time.perf_counter()
        watch = _Watch(self.optimizer, rates, seed, step, followed=self.listeners is not None)
        batches = _Batches(self, self.data.train, order, self.batch_size, (seed % 2**31, step))
        with _without_averaging(self.optimizer), self._on_replicas(batches):
            history = self.model.fit(
                _fed(batches),
                epochs=1,
                verbose=0,
                shuffle=False,
                callbacks=[watch, *self._listening()],
            ).history
        self.seconds["train"] = self.seconds.get("train", 0.0) + time.perf_counter() - began
        logs = {name: value for key, values in history.items() for name, value in _numbers(key, values[-1]).items()}
        # A train_step of the user's own logs what it likes.
        logs.setdefault("loss", watch.loss)
        return EpochResult(logs, watch.finite, watch.steps, watch.first_loss)

    def _listening(self) -> list[Any]:
        return [] if self.listeners is None else [_Batchwise(self.listeners)]

    @contextlib.contextmanager
    def _on_replicas(self, batches: _Batches) -> Iterator[None]:
        """What `fit` needs on several replicas: a batch to build by; for genes, batch normalization over all rows."""
        with contextlib.ExitStack() as stack:
            if self.strategy is not None:
                stack.enter_context(built_by_whole_batch(self.model, batches[0]))
                if self._criterion is not None:
                    stack.enter_context(synchronized(self.model))
            yield

    def evaluate(self) -> tuple[dict[str, float], np.ndarray]:
        """Loss and metrics on the validation rows, and predictions for them, batch by batch."""
        began = time.perf_counter()
        with on_one_device(self.model) if self.strategy is not None else contextlib.nullcontext():
            logs, predictions = self._by_keras() if self._criterion is None else self._by_criterion(self._criterion)
        self.seconds["evaluate"] = self.seconds.get("evaluate", 0.0) + time.perf_counter() - began
        return logs, predictions

    def _by_keras(self) -> tuple[dict[str, float], np.ndarray]:
        """By Keras' own ``evaluate`` and ``predict``, in batches of the training size."""
        split = self.data.validation
        batches = _Batches(self, split, np.arange(split.rows), self.batch_size)
        found = self.model.evaluate(_fed(batches), callbacks=self._listening(), verbose=0, return_dict=True)
        logs = {name: value for key, result in found.items() for name, value in _numbers(key, result).items()}
        predictions = keras.tree.flatten(self.model.predict(batches, verbose=0))
        flat = [np.asarray(output, np.float32).reshape(split.rows, -1) for output in predictions]
        return logs, np.concatenate(flat, axis=1)

    def _by_criterion(self, criterion: SpaceCriterion) -> tuple[dict[str, float], np.ndarray]:
        split = self.data.validation
        total, summed, parts = split.rows, 0.0, []
        criterion.reset()
        listeners = keras.callbacks.CallbackList(self._listening())
        listeners.on_test_begin()
        for batch, first in enumerate(range(0, total, EVALUATION_ROWS)):
            listeners.on_test_batch_begin(batch)
            rows = np.arange(first, min(first + EVALUATION_ROWS, total))
            predictions = self.model.predict_on_batch(_take(split.x, rows))
            y = keras.tree.map_structure(keras.ops.convert_to_tensor, _take(split.y, rows))
            weight = None if split.weight is None else keras.ops.convert_to_tensor(_take(split.weight, rows))
            predicted = keras.tree.map_structure(keras.ops.convert_to_tensor, predictions)
            loss = criterion.loss(None, y, predicted, weight, training=False)
            criterion.update(None, y, predicted, weight)
            summed += float(keras.ops.convert_to_numpy(loss)) * len(rows)
            flat = [np.asarray(output, np.float32).reshape(len(rows), -1) for output in keras.tree.flatten(predictions)]
            parts.append(np.concatenate(flat, axis=1))
            listeners.on_test_batch_end(batch, {"loss": summed / (first + len(rows))})
        results = criterion.results().items()
        logs = {"loss": summed / total} | {n: float(keras.ops.convert_to_numpy(v)) for n, v in results}
        listeners.on_test_end(logs)
        return logs, np.concatenate(parts)


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of rows in a given order; a space's own are augmented while ``seeds`` are given."""

    def __init__(
        self, engine: FitEngine, split: Split, order: np.ndarray, size: int, seeds: tuple[int, int] | None = None
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._engine, self._split, self._order, self._size, self._seeds = engine, split, order, size, seeds

    @property
    def without_targets(self) -> bool:
        """Whether there are inputs alone."""
        return self._split.y is None and self._split.weight is None

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        engine, split = self._engine, self._split
        rows = self._order[index * self._size : (index + 1) * self._size]
        x, y, weight = (
            keras.tree.map_structure(keras.ops.convert_to_tensor, _take(arrays, rows)) if arrays is not None else None
            for arrays in (split.x, split.y, split.weight)
        )
        if engine._criterion is None:
            x, y, weight = as_model_takes(engine.model, x, y, weight)
        elif self._seeds is not None:
            seed = keras.ops.convert_to_tensor(np.array([self._seeds[0], self._seeds[1] + index], np.int32))
            x, y = engine.recipe.space.augment(engine.recipe.genome, x, engine._criterion.targets(y), seed)
        if self.without_targets:
            return (x,)
        return (x, y) if weight is None else (x, y, weight)


def _fed(batches: _Batches) -> Any:
    """What ``fit`` is given: inputs without targets are those of an array, in no tuple."""
    if not batches.without_targets or keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    def inputs() -> Iterator[Any]:
        for index in range(len(batches)):
            yield keras.utils.pack_x_y_sample_weight(*batches[index])

    spec = keras.tree.map_structure(lambda part: tf.TensorSpec((None, *part.shape[1:]), part.dtype), next(inputs()))
    dataset = tf.data.Dataset.from_generator(inputs, output_signature=spec)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets each step's learning rate, and ends the epoch at a loss that is not finite.

    With ``followed``, a rate that a callback sets between two steps multiplies the rates of all further ones.
    """

    def __init__(self, optimizer: Any, rates: np.ndarray, seed: int, step: int, followed: bool = False) -> None:
        super().__init__()
        self._followed, self._factor, self._latest = followed, 1.0, 0.0
        self._optimizer, self._seed, self._step = optimizer, seed, step
        self._rates = rates if follows_rates(optimizer) else None
        self.steps, self.finite, self.first_loss, self.loss = 0, True, math.nan, math.nan

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self._rates is not None:
            # On JAX variables are empty between steps: asking for the model fills them, and what is set here counts.
            _ = self.model
            if self._followed and self._latest:
                self._factor *= float(keras.ops.convert_to_numpy(self._optimizer.learning_rate)) / self._latest
            self._latest = float(np.float32(float(self._rates[batch]) * self._factor))
            self._optimizer.learning_rate = self._latest
        # torch's own dropout draws from its global generator, which no state file holds: so each step
        # starts from a seed of its own.
        sequence = np.random.SeedSequence(self._seed, spawn_key=(1, self._step + batch))
        keras.utils.set_random_seed(int(sequence.generate_state(1)[0]))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = self.loss = float((logs or {}).get("loss", 0.0))
        self.steps = batch + 1
        if batch == 0:
            self.first_loss = loss
        if not math.isfinite(loss):
            self.finite = False
            self.model.stop_training = True


class _Batchwise(keras.callbacks.Callback):  # type: ignore[misc]
    """Passes on what ``fit`` and ``evaluate`` tell of batches, and nothing of epochs.

    Args:
        listeners: a ``keras.callbacks.CallbackList``.
    """

    def __init__(self, listeners: Any) -> None:
        super().__init__()
        for name in ("on_train_batch_begin", "on_train_batch_end", *(f"on_test_{place}" for place in _PLACES)):
            setattr(self, name, getattr(listeners, name))


_PLACES = ("begin", "batch_begin", "batch_end", "end")


@contextlib.contextmanager
def _without_averaging(optimizer: Any) -> Iterator[None]:
    """Inside the ``with`` block, the end of ``fit`` does not replace weights by their moving averages.

    ``fit`` does so once, after its last epoch; here it is called once per epoch.
    """
    object.__setattr__(optimizer, "finalize_variable_values", lambda variables: None)
    try:
        yield
    finally:
        object.__delattr__(optimizer, "finalize_variable_values")


def _numbers(name: str, value: Any) -> dict[str, float]:
    """A logged value as numbers: an array (one F1 score per class, say) has a name for each."""
    array = np.asarray(value, np.float64)
    if array.ndim == 0:
        return {name: float(array)}
    return {f"{name}[{index}]": float(part) for index, part in enumerate(array.reshape(-1))}


def _take(arrays: Any, rows: np.ndarray) -> Any:
    """Rows of an array or of a dict of arrays, in the types that are computed in."""
    return keras.tree.map_structure(lambda array: np.asarray(array[rows], computing_type(array[rows])), arrays)
