"""TensorFlow: a whole epoch is one compiled function, a ``tf.while_loop`` over its steps.

The data are tensors on the device. An epoch's order of rows and its learning
rates come in as tensors, so that one traced function serves every epoch of
every trial with this model.
"""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from evo.training.engine import Engine, EpochResult, Recipe
from evo.training.resident_data import ResidentData, Split, computing_type

#: Rows per step of evaluation.
EVALUATION_ROWS = 512


class TensorFlowEngine(Engine):
    """See :class:`evo.training.engine.Engine`."""

    def __init__(self, recipe: Recipe, data: ResidentData) -> None:
        super().__init__(recipe, data)
        self.optimizer.build(self.model.trainable_variables)
        self._train = tf.function(self._train_graph, autograph=False)
        self._evaluate = tf.function(self._evaluate_graph, autograph=False)
        self._traced: dict[str, Any] = {}

    # -- data ----------------------------------------------------------------------
    def _tensors(self, name: str) -> Any:
        """Inputs, targets and weights of a split as tensors, made once per process."""
        key = ("tensorflow", name)
        if key not in self.data.tensors:
            split: Split = getattr(self.data, name)
            self.data.tensors[key] = keras.tree.map_structure(
                _tensor, {"x": split.x, "y": split.y, "weight": split.weight}
            )
        return self.data.tensors[key]

    def _batch(self, tensors: Any, rows: tf.Tensor | slice) -> tuple[Any, Any, Any]:
        def take(tensor: tf.Tensor | None) -> tf.Tensor | None:
            if tensor is None:
                return None
            return tensor[rows] if isinstance(rows, slice) else tf.gather(tensor, rows)

        x = keras.tree.map_structure(take, tensors["x"])
        y = keras.tree.map_structure(take, tensors["y"])
        return self._cast_inputs(x), y, take(tensors["weight"])

    def _cast_inputs(self, x: Any) -> Any:
        """Inputs in the types that the model declares for them."""
        declared = {tensor.name: tensor.dtype for tensor in getattr(self.model, "inputs", None) or ()}
        only = next(iter(declared.values())) if len(declared) == 1 else None

        def cast(tensor: tf.Tensor, dtype: str | None) -> tf.Tensor:
            if dtype is None or tensor.dtype == tf.string or tensor.dtype.name == dtype:
                return tensor
            return tf.cast(tensor, dtype)

        if isinstance(x, dict):
            return {name: cast(tensor, declared.get(name, only)) for name, tensor in x.items()}
        return cast(x, only)

    # -- training ------------------------------------------------------------------
    def _train_graph(self, data: Any, order: tf.Tensor, rates: tf.Tensor, seeds: tf.Tensor) -> Any:
        size = self.recipe.batch_size
        total = tf.shape(order)[0]
        steps = tf.shape(rates)[0]

        def body(step: tf.Tensor, finite: tf.Tensor, first: tf.Tensor, summed: tf.Tensor) -> Any:
            rows = order[step * size : tf.minimum((step + 1) * size, total)]
            x, y, weight = self._batch(data, rows)
            x, targets = self.recipe.space.augment(self.recipe.genome, x, self.criterion.targets(y), seeds[step])
            self.optimizer.learning_rate = rates[step]
            loss = self._step(x, y, targets, weight)
            first = tf.where(step == 0, loss, first)
            summed += loss * tf.cast(tf.shape(rows)[0], tf.float32)
            return step + 1, tf.math.is_finite(loss), first, summed

        step, finite, first, summed = tf.while_loop(
            lambda step, finite, first, summed: tf.logical_and(step < steps, finite),
            body,
            (tf.constant(0), tf.constant(True), tf.constant(0.0), tf.constant(0.0)),
            parallel_iterations=1,
        )
        return step, finite, first, summed / tf.cast(total, tf.float32), self.criterion.results()

    def _step(self, x: Any, y: Any, targets: Any, weight: Any) -> tf.Tensor:
        model, optimizer = self.model, self.optimizer
        variables = model.trainable_variables
        with tf.GradientTape() as tape:
            predictions = model(x, training=True)
            loss = self.criterion.training_loss(targets, predictions, weight)
            scaled = optimizer.scale_loss(loss)
        optimizer.apply(tape.gradient(scaled, variables), variables)
        self.criterion.update(y, predictions)
        return tf.cast(loss, tf.float32)

    def train_epoch(self, order: np.ndarray, rates: np.ndarray, seed: int, step: int) -> EpochResult:
        steps = len(rates)
        seeds = np.stack([np.full(steps, seed % 2**31, np.int32), np.arange(step, step + steps, dtype=np.int32)], 1)
        arguments = (
            self._tensors("train"), tf.constant(order, tf.int32), tf.constant(rates, tf.float32), tf.constant(seeds),
        )
        function = self._compiled("train", self._train, arguments)
        self.criterion.reset()
        began = time.perf_counter()
        done, finite, first, loss, metrics = function(*arguments)
        logs = {"loss": float(loss)} | {name: float(value) for name, value in metrics.items()}
        self._spend("train", began)
        return EpochResult(logs, bool(finite), int(done), float(first))

    # -- evaluation ----------------------------------------------------------------
    def _evaluate_graph(self, data: Any) -> Any:
        total = self.data.validation.rows
        whole, rest = divmod(total, EVALUATION_ROWS)

        def evaluate(rows: slice) -> Any:
            x, y, weight = self._batch(data, rows)
            predictions = self.model(x, training=False)
            loss = self.criterion.validation_loss(y, predictions, weight)
            self.criterion.update(y, predictions)
            count = tf.cast(tf.shape(keras.tree.flatten(x)[0])[0], tf.float32)
            return tf.cast(loss, tf.float32) * count, predictions

        if whole == 0 or (whole == 1 and rest == 0):
            summed, predictions = evaluate(slice(0, total))
        else:
            steps = whole + (rest > 0)
            arrays = [
                tf.TensorArray(tf.float32, size=steps, infer_shape=False, element_shape=[None, *output.shape[1:]])
                for output in keras.tree.flatten(self.model.outputs)
            ]

            def body(step: tf.Tensor, summed: tf.Tensor, arrays: Any) -> Any:
                first = step * EVALUATION_ROWS
                loss, predictions = evaluate(slice(first, tf.minimum(first + EVALUATION_ROWS, total)))
                flat = keras.tree.flatten(predictions)
                written = [array.write(step, value) for array, value in zip(arrays, flat, strict=True)]
                return step + 1, summed + loss, written

            _, summed, arrays = tf.while_loop(
                lambda step, *_: step < steps, body, (tf.constant(0), tf.constant(0.0), arrays),
                parallel_iterations=1,
            )
            predictions = [array.concat() for array in arrays]
        return summed / float(total), predictions, self.criterion.results()

    def evaluate(self) -> tuple[dict[str, float], np.ndarray]:
        arguments = (self._tensors("validation"),)
        function = self._compiled("evaluate", self._evaluate, arguments)
        self.criterion.reset()
        began = time.perf_counter()
        loss, predictions, metrics = function(*arguments)
        logs = {"loss": float(loss)} | {name: float(value) for name, value in metrics.items()}
        flat = [np.asarray(output, np.float32) for output in keras.tree.flatten(predictions)]
        rows = [output.reshape(len(output), -1) for output in flat]
        self._spend("evaluate", began)
        return logs, rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)

    # -- bookkeeping ---------------------------------------------------------------
    def _compiled(self, name: str, function: Any, arguments: tuple[Any, ...]) -> Any:
        if name not in self._traced:
            began = time.perf_counter()
            self._traced[name] = function.get_concrete_function(*arguments)
            self._spend("trace", began)
        return function

    def _spend(self, phase: str, began: float) -> None:
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - began


def _tensor(array: np.ndarray | None) -> tf.Tensor | None:
    if array is None:
        return None
    if array.dtype.kind in "USO":
        return tf.constant(array.astype(object), tf.string)
    return tf.constant(np.asarray(array, computing_type(array)))
