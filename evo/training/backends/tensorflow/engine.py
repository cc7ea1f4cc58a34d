"""TensorFlow: a whole epoch is one compiled function, a ``tf.while_loop`` over its steps.

The data are tensors on the device. An epoch's order of rows, its learning
rates and other plain numbers are arguments, so that one traced function
serves every epoch of every trial with this model.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from evo.training.backends.batch_structure import as_model_takes
from evo.training.backends.engine import Engine, EpochResult, Recipe, follows_rates
from evo.training.backends.row_by_row import is_row_by_row
from evo.training.backends.synchronized_layers import synchronized
from evo.training.backends.tensorflow import fused_layers, traced_numbers, tracing
from evo.training.backends.tensorflow.parameter_vector import ParameterVector
from evo.training.backends.tensorflow.replicated_step import ReplicatedStep
from evo.training.criterion import criterion_of
from evo.training.resident_data import ResidentData, Split, computing_type

#: Rows per step of evaluation.
EVALUATION_ROWS = 512


class TensorFlowEngine(Engine):
    """Trains by one compiled function per epoch, on one device or on the replicas of a strategy.

    Args:
        recipe: its model was built inside the strategy's scope.
        data: the data.
        strategy: a ``tf.distribute.Strategy`` of several replicas, or None.
        compile_xla: compile by XLA.
    """

    def __init__(self, recipe: Recipe, data: ResidentData, strategy: Any = None, compile_xla: bool = False) -> None:
        super().__init__(recipe, data)
        self.strategy = strategy if strategy is not None and strategy.num_replicas_in_sync > 1 else None
        self.numbers = traced_numbers.current(self.model, self.optimizer)
        self._variables = list(self.model.trainable_variables)
        self._vector: ParameterVector | None = None
        with strategy.scope() if strategy is not None else contextlib.nullcontext():
            self._criterion = criterion_of(recipe.space, recipe.genome, self.model, recipe.preprocessing)
            suits = ParameterVector.suits(self._variables, self.optimizer) and ParameterVector.owns_weights(recipe)
            if self.strategy is None and suits:
                self._vector = ParameterVector(self._variables, self.optimizer)
            else:
                self.optimizer.build(self._variables)
            self._validation = criterion_of(recipe.space, recipe.genome, self.model, recipe.preprocessing)
        self._take_step = self._step if self.strategy is None else ReplicatedStep(self, self._criterion, strategy)
        self.remember_fresh_optimizer()
        self._evaluation_rows = EVALUATION_ROWS if is_row_by_row(recipe) else recipe.batch_size
        self._train = tf.function(self._train_graph, autograph=False, jit_compile=compile_xla or None)
        self._evaluate = tf.function(self._evaluate_graph, autograph=False, jit_compile=compile_xla or None)
        self._traced: set[str] = set()

    def adopt(self, recipe: Recipe) -> None:
        """Serve another trial of the same structure; its weight decay and dropout rates are taken over too."""
        super().adopt(recipe)
        self.numbers = traced_numbers.current(recipe.model, recipe.optimizer)

    def weights_changed(self) -> None:
        """Gather the weights into the vector that the optimizer updates."""
        if self._vector is not None:
            self._vector.gather()

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

        x, y, weight = keras.tree.map_structure(take, (tensors["x"], tensors["y"], tensors["weight"]))
        x = self._cast_inputs(x)
        return as_model_takes(self.model, x, y, weight) if self.recipe.space.compiles_models else (x, y, weight)

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
    def _train_graph(self, data: Any, order: tf.Tensor, rates: tf.Tensor, seeds: tf.Tensor, numbers: tf.Tensor) -> Any:
        size = self.recipe.batch_size
        total = tf.shape(order)[0]
        steps = tf.shape(rates)[0]

        def body(step: tf.Tensor, finite: tf.Tensor, first: tf.Tensor, summed: tf.Tensor) -> Any:
            rows = order[step * size : tf.minimum((step + 1) * size, total)]
            x, y, weight = self._batch(data, rows)
            # Outside of the replicas: they are threads traced in turns, and share layers and optimizer.
            numbered = traced_numbers.traced(self.model, self.optimizer, numbers)
            with numbered, self._fused(), tracing.with_undivided_losses():
                loss = self._take_step(rates[step], x, y, weight, seeds[step])
            first = tf.where(step == 0, loss, first)
            summed += loss * tf.cast(tf.shape(rows)[0], tf.float32)
            return step + 1, tf.math.is_finite(loss), first, summed

        self._criterion.reset()
        step, finite, first, summed = tf.while_loop(
            lambda step, finite, first, summed: tf.logical_and(step < steps, finite),
            body,
            (tf.constant(0), tf.constant(True), tf.constant(0.0), tf.constant(0.0)),
            parallel_iterations=1,
        )
        return step, finite, first, summed / tf.cast(total, tf.float32), self._criterion.results()

    def _step(self, rate: Any, x: Any, y: Any, weight: Any, seed: Any) -> tf.Tensor:
        """Forward, backward, update on one device."""
        optimizer, criterion = self.optimizer, self._criterion
        if follows_rates(optimizer):
            optimizer.learning_rate = rate
        x, targets = self.recipe.space.augment(self.recipe.genome, x, criterion.targets(y), seed)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in self._variables])
            predictions = self.forward(x, training=True)
            loss = criterion.loss(x, targets, predictions, weight, training=True)
            scaled = optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, [variable.value for variable in self._variables])
        if self._variables and all(gradient is None for gradient in gradients):
            raise ValueError("no gradient: the loss does not depend on any of the model's trainable weights")
        if self._vector is not None:
            self._vector.apply({id(v): g for v, g in zip(self._variables, gradients, strict=True)})
        elif self._variables:
            optimizer.apply(gradients, self._variables)
        criterion.update(x, y, predictions, weight)
        # One number also where a loss is not reduced: the gradient is that of the sum, as with `fit`.
        return tf.reduce_mean(tf.cast(loss, tf.float32))

    def train_epoch(self, order: np.ndarray, rates: np.ndarray, seed: int, step: int) -> EpochResult:
        """Train one epoch in one call of the compiled function."""
        steps = len(rates)
        seeds = np.stack([np.full(steps, seed % 2**31), np.arange(step, step + steps)], 1).astype(np.int32)
        done, finite, first, loss, metrics = self._call(
            "train",
            self._train,
            self._tensors("train"),
            tf.constant(order, tf.int32),
            tf.constant(rates, tf.float32),
            tf.constant(seeds),
            tf.constant(self.numbers),
        )
        logs = {"loss": float(loss)} | {name: float(value) for name, value in metrics.items()}
        return EpochResult(logs, bool(finite), int(done), float(first))

    # -- evaluation ----------------------------------------------------------------
    def _evaluate_graph(self, data: Any) -> Any:
        total = self.data.validation.rows
        self._validation.reset()

        def evaluate(rows: slice) -> Any:
            x, y, weight = self._batch(data, rows)
            with self._fused():
                predictions = self.forward(x, training=False)
            with tracing.with_undivided_losses():
                loss = self._validation.loss(x, y, predictions, weight, training=False)
                self._judge(x, y, predictions, weight)
            count = tf.cast(tf.shape(keras.tree.flatten(x)[0])[0], tf.float32)
            outputs = [tf.cast(output, tf.float32) for output in keras.tree.flatten(predictions)]
            return tf.reduce_mean(tf.cast(loss, tf.float32)) * count, outputs

        size = self._evaluation_rows
        if total <= size:
            summed, predictions = evaluate(slice(0, total))
        else:
            steps = -(-total // size)
            arrays = [
                tf.TensorArray(tf.float32, size=steps, infer_shape=False, element_shape=[None, *shape[1:]])
                for shape in self._output_shapes(data)
            ]

            def body(step: tf.Tensor, summed: tf.Tensor, arrays: Any) -> Any:
                first = step * size
                loss, outputs = evaluate(slice(first, tf.minimum(first + size, total)))
                written = [array.write(step, output) for array, output in zip(arrays, outputs, strict=True)]
                return step + 1, summed + loss, written

            _, summed, arrays = tf.while_loop(
                lambda step, *_: step < steps,
                body,
                (tf.constant(0), tf.constant(0.0), arrays),
                parallel_iterations=1,
            )
            predictions = [array.concat() for array in arrays]
        return summed / float(total), predictions, self._validation.results()

    def _judge(self, x: Any, y: Any, predictions: Any, weight: Any) -> None:
        """Update the metrics of validation; by the first of several replicas, as in training.

        Outside of them TensorFlow divides what is assigned to a metric's variable by their number, which whole numbers
        do not survive.
        """
        if self.strategy is None:
            self._validation.update(x, y, predictions, weight)
            return

        def first(*given: Any) -> None:
            index = tf.distribute.get_replica_context().replica_id_in_sync_group
            self._validation.update_if(tf.equal(index, 0), *given)

        self.strategy.run(first, args=(x, y, predictions, weight))

    def evaluate(self) -> tuple[dict[str, float], np.ndarray]:
        """Loss and metrics on the validation rows, and predictions for them, in one call."""
        loss, predictions, metrics = self._call("evaluate", self._evaluate, self._tensors("validation"))
        logs = {"loss": float(loss)} | {name: float(value) for name, value in metrics.items()}
        outputs = [np.asarray(output, np.float32).reshape(self.data.validation.rows, -1) for output in predictions]
        return logs, outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=1)

    def _output_shapes(self, data: Any) -> list[Any]:
        """Shapes of the outputs, flat: known of a functional model, found by a symbolic call of any other."""
        outputs = getattr(self.model, "outputs", None)
        if outputs is None:
            x, _, _ = self._batch(data, slice(0, self._evaluation_rows))
            call = tf.function(lambda x: keras.tree.flatten(self.forward(x, training=False)), autograph=False)
            outputs = call.get_concrete_function(keras.tree.map_structure(_symbolic, x)).structured_outputs
        return [output.shape for output in outputs]

    def _fused(self) -> contextlib.AbstractContextManager[None]:
        return fused_layers.fused(self.model) if self.strategy is None else synchronized(self.model)

    # -- calling ---------------------------------------------------------------------
    def _call(self, phase: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a compiled function; its first call is booked as tracing, without the work itself."""
        began = time.perf_counter()
        with tracing.without_rewriting():
            if phase not in self._traced:
                with tracing.without_collection(), tracing.without_registered_gradients():
                    function.get_concrete_function(*arguments)  # type: ignore[attr-defined]
                self._traced.add(phase)
                began = self._spend("trace", began)
            results = keras.tree.map_structure(np.asarray, function(*arguments))
        self._spend(phase, began)
        return results

    def _spend(self, phase: str, began: float) -> float:
        now = time.perf_counter()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - began
        return now


def _symbolic(tensor: tf.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype)


def _tensor(array: np.ndarray | None) -> tf.Tensor | None:
    if array is None:
        return None
    if array.dtype.kind in "USO":
        return tf.constant(array.astype(object), tf.string)
    return tf.constant(np.asarray(array, computing_type(array)))
