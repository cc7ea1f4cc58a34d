"""One step of training on several replicas, with the numbers of one device.

Every replica passes its part of the batch through the model. What comes out
is gathered, and each replica computes the loss of the whole batch and its
gradient by way of its own part: a masked mean, a sum, a user's own function
of all rows are what they are on one device. The gradients are summed first;
only then are they clipped, accumulated and applied, once, outside of the
replicas.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from evo.training.backends.engine import Engine, follows_rates
from evo.training.backends.tensorflow.added_losses import AddedLosses
from evo.training.criterion import Criterion
from genomes.replacement import replaced

#: Augmentation of one replica draws with a seed so far from the next one's.
_SEEDS_APART = 1_000_003


class ReplicatedStep:
    """A step on the replicas of a strategy.

    Args:
        engine: model, optimizer and space.
        criterion: loss and metrics; made inside the strategy's scope.
        strategy: a ``tf.distribute.Strategy`` of several replicas.
    """

    def __init__(self, engine: Engine, criterion: Criterion, strategy: Any) -> None:
        self.engine = engine
        self.criterion = criterion
        self.strategy = strategy
        self.variables = list(engine.model.trainable_variables)
        self.added = AddedLosses(engine.model)

    def __call__(self, rate: Any, x: Any, y: Any, weight: Any, seed: Any) -> tf.Tensor:
        """Train on a batch; its loss.

        Args:
            rate: learning rate.
            x: inputs of the whole batch.
            y: targets.
            weight: weights of the rows, or None.
            seed: of augmentation, two whole numbers.
        """
        if follows_rates(self.engine.optimizer):
            self.engine.optimizer.learning_rate = rate
        with self.added.collected():
            losses, gradients = self.strategy.run(self._on_replica, args=(x, y, weight, seed))
        if self.variables:
            if not gradients:
                raise ValueError("no gradient: the loss does not depend on any of the model's trainable weights")
            self._apply({n: self.strategy.experimental_local_results(g)[0] for n, g in gradients.items()})
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

    def _on_replica(self, x: Any, y: Any, weight: Any, seed: Any) -> tuple[tf.Tensor, dict[int, Any]]:
        """This replica's share of the loss, and the gradients of all of them by number of the variable."""
        engine, criterion = self.engine, self.criterion
        context, replicas = tf.distribute.get_replica_context(), self.strategy.num_replicas_in_sync
        index = context.replica_id_in_sync_group
        count = tf.shape(keras.tree.flatten(x)[0])[0]
        # A batch smaller than the number of replicas: all look at all of it, so that batch normalization over all of
        # them finds the batch's own statistics, and all but the first drop what they have made of it.
        split = count >= replicas
        low = tf.where(split, count * index // replicas, tf.where(tf.equal(index, 0), 0, count))
        high = tf.where(split, count * (index + 1) // replicas, count)
        begin, end = tf.where(split, low, 0), tf.where(split, high, count)
        part, targets = keras.tree.map_structure(
            lambda tensor: None if tensor is None else tensor[begin:end], (x, criterion.targets(y))
        )
        seed = seed + tf.stack([0, index * _SEEDS_APART])
        part, targets = engine.recipe.space.augment(engine.recipe.genome, part, targets, seed)
        watched = [variable.value for variable in self.variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(watched)
            self.added.begin()
            outputs = engine.forward(part, training=True)
            added = self.added.found()
            predictions = _gathered(outputs, low, high, replicas)
            # Only genes augment, and what they make of the targets is each replica's own.
            targets = y if engine.recipe.space.compiles_models else _gathered(targets, low, high)
            share = tf.cast(high - low, tf.float32) / tf.cast(count, tf.float32) * replicas
            own = [one * tf.cast(share, one.dtype) for one in added]
            loss = criterion.loss(x, targets, predictions, weight, training=True, own=own) / replicas
            scaled = engine.optimizer.scale_loss(loss)
        found = {n: g for n, g in enumerate(tape.gradient(scaled, watched)) if g is not None}
        summed = context.all_reduce(tf.distribute.ReduceOp.SUM, list(found.values())) if found else []
        criterion.update_if(tf.equal(index, 0), x, y, predictions, weight)
        return tf.reduce_mean(tf.cast(loss, tf.float32)), dict(zip(found, summed, strict=True))

    def _apply(self, gradients: dict[int, Any]) -> None:
        """Let the optimizer work on gradients that are summed already."""
        optimizer = self.engine.optimizer
        # Loss scaling wants to be called by a replica, to ask all of them whether their gradients are finite.
        apply = getattr(optimizer, "_common_apply", optimizer.apply)
        with self.strategy.scope(), _without_merging():
            apply([gradients.get(n) for n in range(len(self.variables))], self.variables)


def _gathered(values: Any, low: tf.Tensor, high: tf.Tensor, replicas: int = 1) -> Any:
    """The rows of all replicas in the order of the batch, with their masks.

    Args:
        values: what this replica has of rows ``low`` to ``high``, a tensor or tensors in a structure.
        low: its first row in the batch.
        high: behind its last row.
        replicas: gradients by way of the own rows are multiplied by it, because each replica minimises
            its part of the same loss; those by way of other rows are other replicas'.
    """
    flat = [value[: high - low] for value in keras.tree.flatten(values)]
    masks = [getattr(value, "_keras_mask", None) for value in keras.tree.flatten(values)]
    given = [mask[: high - low] for mask in masks if mask is not None]
    everyones = tf.distribute.get_replica_context().all_gather([tf.stop_gradient(v) for v in [*flat, *given]], axis=0)
    joined = []
    for own, everyone in zip([*flat, *given], everyones, strict=True):
        mine = _amplified(own, replicas) if own.dtype.is_floating else own
        whole = tf.concat([everyone[:low], mine, everyone[high:]], axis=0)
        whole.set_shape([None, *own.shape[1:]])
        joined.append(whole)
    outputs, left = joined[: len(flat)], iter(joined[len(flat) :])
    for output, mask in zip(outputs, masks, strict=True):
        if mask is not None:
            output._keras_mask = next(left)
    return keras.tree.pack_sequence_as(values, outputs)


def _amplified(value: tf.Tensor, factor: int) -> tf.Tensor:
    """The same value; its gradient is multiplied by ``factor``."""
    if factor == 1:
        return value

    @tf.custom_gradient
    def same(value: tf.Tensor) -> Any:
        return tf.identity(value), lambda gradient: gradient * tf.cast(factor, gradient.dtype)

    return same(value)


@contextlib.contextmanager
def _without_merging() -> Iterator[None]:
    """Inside the ``with`` block, Keras' optimizers may be called outside of replicas, within conditions too.

    They leave their replica to update variables on all devices. TensorFlow forbids that within a condition, of
    which gradient accumulation and averages that overwrite weights are made.
    """
    at_once = {"maybe_merge_call": lambda function, strategy, *args, **kwargs: function(strategy, *args, **kwargs)}
    with replaced(tf.__internal__.distribute.interim, at_once):
        yield
