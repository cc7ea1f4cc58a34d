"""JAX: a whole epoch, on a CPU a step, is one compiled function over Keras' stateless API."""

from __future__ import annotations

import time
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from evo.training.backends.batch_structure import as_model_takes
from evo.training.backends.engine import Engine, EpochResult, Recipe, follows_rates
from evo.training.backends.row_by_row import is_row_by_row
from evo.training.criterion import Criterion, criterion_of
from evo.training.resident_data import ResidentData, Split, computing_type

#: Rows per step of evaluation.
EVALUATION_ROWS = 512


class JaxEngine(Engine):
    """Trains by a compiled scan over the steps of an epoch; on a CPU by a compiled step.

    Inside of a loop XLA computes a CPU's convolutions without its fast kernels, many times slower.

    Args:
        recipe: model, optimizer and what else training needs.
        data: the data.
        distribution: a ``keras.distribution.DataParallel`` over several devices, or None. The model was
            built under it; JAX splits every batch among the devices.
    """

    def __init__(self, recipe: Recipe, data: ResidentData, distribution: Any = None) -> None:
        super().__init__(recipe, data)
        self.distribution = distribution
        self.optimizer.build(self.model.trainable_variables)
        self.remember_fresh_optimizer()
        self._criterion = criterion_of(recipe.space, recipe.genome, self.model, recipe.preprocessing)
        self._validation = criterion_of(recipe.space, recipe.genome, self.model, recipe.preprocessing)
        self._evaluation_rows = EVALUATION_ROWS if is_row_by_row(recipe) else recipe.batch_size
        inner = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        rate = inner._learning_rate if follows_rates(self.optimizer) else None
        places = [n for n, variable in enumerate(self.optimizer.variables) if variable is rate]
        #: Place of the learning rate among the optimizer's variables; None where a schedule tells it.
        self._rate_index = places[0] if places else None
        self._train = self._train_steps if jax.default_backend() == "cpu" else jax.jit(self._train_epoch)
        self._train_step = jax.jit(self._step)
        self._evaluate = jax.jit(self._evaluate_batch)
        self._called: set[str] = set()

    def _arrays(self, name: str) -> Any:
        key = ("jax", name)
        if key not in self.data.tensors:
            split: Split = getattr(self.data, name)
            self.data.tensors[key] = keras.tree.map_structure(
                lambda array: None if array is None else jnp.asarray(np.asarray(array, computing_type(array))),
                {"x": split.x, "y": split.y, "weight": split.weight},
            )
        return self.data.tensors[key]

    # -- training ------------------------------------------------------------------
    def _train_epoch(self, data: Any, order: Any, rates: Any, seeds: Any, state: Any) -> Any:
        size = self.batch_size
        whole = order.shape[0] // size

        def step(state: Any, inputs: Any) -> Any:
            return self._step(data, state, *inputs)

        losses = []
        if whole:
            batches = order[: whole * size].reshape(whole, size)
            state, found = jax.lax.scan(step, state, (batches, rates[:whole], seeds[:whole]))
            losses.append(found)
        if order.shape[0] % size:
            state, found = step(state, (order[whole * size :], rates[whole], seeds[whole]))
            losses.append(found[None])
        return state, jnp.concatenate(losses)

    def _train_steps(self, data: Any, order: Any, rates: Any, seeds: Any, state: Any) -> Any:
        """What :meth:`_train_epoch` does, step by step."""
        losses = []
        for number, first in enumerate(range(0, len(order), self.batch_size)):
            rows = order[first : first + self.batch_size]
            state, loss = self._train_step(data, state, rows, rates[number], seeds[number])
            losses.append(loss)
        return state, jnp.stack(losses)

    def _step(self, data: Any, state: Any, rows: Any, rate: Any, seed: Any) -> Any:
        trainable, other, slots, metrics = state
        recipe, criterion = self.recipe, self._criterion
        x, y, weight = keras.tree.map_structure(
            lambda array: None if array is None else jnp.take(array, rows, axis=0),
            (data["x"], data["y"], data["weight"]),
        )
        if self.distribution is not None:
            x, y, weight = keras.tree.map_structure(self._split, (x, y, weight))
        if recipe.space.compiles_models:
            x, y, weight = as_model_takes(self.model, x, y, weight)
        x, targets = recipe.space.augment(recipe.genome, x, criterion.targets(y), seed)
        slots = [rate if n == self._rate_index else value for n, value in enumerate(slots)]

        def loss_of(trainable: Any) -> Any:
            predictions, other_after, own = self._forward(trainable, other, x, training=True)
            with self._stateless(criterion, metrics, trainable, other_after) as scope:
                loss = criterion.loss(x, targets, predictions, weight, training=True, own=list(own))
            counted = _values_in(scope, criterion)
            with keras.StatelessScope(state_mapping=list(zip(self.optimizer.variables, slots, strict=True))):
                scaled = self.optimizer.scale_loss(loss)
            return scaled, (loss, predictions, other_after, counted)

        (_, (loss, predictions, other, counted)), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
        if trainable:
            trainable, slots = self.optimizer.stateless_apply(slots, gradients, trainable)
        with self._stateless(criterion, counted, trainable, other) as scope:
            criterion.update(x, y, predictions, weight)
        return (trainable, other, slots, _values_in(scope, criterion)), loss.astype(jnp.float32)

    def _forward(self, trainable: Any, other: Any, x: Any, training: bool) -> Any:
        """Predictions, state after it, and the losses that the model adds itself."""
        known = {"training": training} if self.model._call_has_training_arg else {}
        return self.model.stateless_call(trainable, other, x, return_losses=True, **known)

    def _stateless(self, criterion: Criterion, metrics: Any, trainable: Any, other: Any) -> Any:
        """A scope in which metrics and model have these values."""
        variables = [*criterion.variables, *self.model.trainable_variables, *self.model.non_trainable_variables]
        return keras.StatelessScope(state_mapping=list(zip(variables, [*metrics, *trainable, *other], strict=True)))

    def _split(self, array: Any) -> Any:
        if array is None or array.shape[0] % self.distribution.device_mesh.shape[0]:
            return array
        layout = self.distribution.get_data_layout(array.shape)
        return keras.distribution.distribute_tensor(array, layout)

    def train_epoch(self, order: np.ndarray, rates: np.ndarray, seed: int, step: int) -> EpochResult:
        """Train one epoch in one compiled call."""
        steps = len(rates)
        seeds = np.stack([np.full(steps, seed % 2**31), np.arange(step, step + steps)], 1).astype(np.int32)
        self._criterion.reset()
        state = self._state(self._criterion)
        began = time.perf_counter()
        state, losses = self._train(self._arrays("train"), order, rates, seeds, state)
        losses = np.asarray(losses)
        self._spend("train", began)
        variables = (self.model.trainable_variables, self.model.non_trainable_variables, self.optimizer.variables)
        for group, values in zip(variables, state[:3], strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        counts = np.diff([*range(0, len(order), self.batch_size), len(order)])
        results = self._results(self._criterion, state[3])
        finite = np.isfinite(losses)
        done = steps if finite.all() else int(np.argmin(finite)) + 1
        loss = float(np.sum(losses.astype(np.float64) * counts) / len(order))
        return EpochResult({"loss": loss, **results}, bool(finite.all()), done, float(losses[0]))

    def _state(self, criterion: Criterion) -> Any:
        return (
            [variable.value for variable in self.model.trainable_variables],
            [variable.value for variable in self.model.non_trainable_variables],
            [variable.value for variable in self.optimizer.variables],
            [variable.value for variable in criterion.variables],
        )

    def _results(self, criterion: Criterion, values: Any) -> dict[str, float]:
        for variable, value in zip(criterion.variables, values, strict=True):
            variable.assign(value)
        return {name: float(value) for name, value in criterion.results().items()}

    # -- evaluation ----------------------------------------------------------------
    def _evaluate_batch(self, x: Any, y: Any, weight: Any, state: Any) -> Any:
        trainable, other, _, metrics = state
        if self.recipe.space.compiles_models:
            x, y, weight = as_model_takes(self.model, x, y, weight)
        predictions, other, own = self._forward(trainable, other, x, training=False)
        with self._stateless(self._validation, metrics, trainable, other) as scope:
            loss = self._validation.loss(x, y, predictions, weight, training=False, own=list(own))
            self._validation.update(x, y, predictions, weight)
        outputs = keras.tree.flatten(predictions)
        return loss.astype(jnp.float32), outputs, other, _values_in(scope, self._validation)

    def evaluate(self) -> tuple[dict[str, float], np.ndarray]:
        """Loss and metrics on the validation rows, and predictions for them, batch by batch."""
        began = time.perf_counter()
        data, total = self._arrays("validation"), self.data.validation.rows
        self._validation.reset()
        trainable, other, slots, metrics = self._state(self._validation)
        summed, parts = 0.0, []
        for first in range(0, total, self._evaluation_rows):
            part = slice(first, min(first + self._evaluation_rows, total))
            x, y, weight = keras.tree.map_structure(
                lambda array, part=part: None if array is None else array[part], (data["x"], data["y"], data["weight"])
            )
            loss, outputs, other, metrics = self._evaluate(x, y, weight, (trainable, other, slots, metrics))
            rows = part.stop - part.start
            summed += float(loss) * rows
            parts.append(np.concatenate([np.asarray(o, np.float32).reshape(rows, -1) for o in outputs], axis=1))
        for variable, value in zip(self.model.non_trainable_variables, other, strict=True):
            variable.assign(value)
        results = self._results(self._validation, metrics)
        self._spend("evaluate", began)
        return {"loss": summed / total, **results}, np.concatenate(parts)

    def _spend(self, phase: str, began: float) -> None:
        """Book a call; the first one of each function is compiling for the most part."""
        booked = phase if phase in self._called else "trace"
        self._called.add(phase)
        self.seconds[booked] = self.seconds.get(booked, 0.0) + time.perf_counter() - began


def _values_in(scope: Any, criterion: Criterion) -> list[Any]:
    """What a criterion's metrics hold at the end of a stateless scope."""
    values = [(variable, scope.get_current_value(variable)) for variable in criterion.variables]
    return [variable.value if value is None else value for variable, value in values]
