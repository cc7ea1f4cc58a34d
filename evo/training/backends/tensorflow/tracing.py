"""What a traced function of TensorFlow does without: rewriting, garbage collection, gradients kept for good."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from keras.src.losses import loss
from tensorflow.python.framework import ops

from genomes.replacement import replaced

#: Functions of Keras that divide a loss by the number of replicas, and that undo it for what is shown.
_DIVISIONS = ("scale_loss_for_distribution", "unscale_loss_for_distribution")


@contextlib.contextmanager
def without_rewriting() -> Iterator[None]:
    """Switch TensorFlow's graph optimizer off: on a candidate's graph it costs more than it saves in a few epochs."""
    before = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        options = {"disable_meta_optimizer": False, **before}
        tf.config.optimizer.set_experimental_options(options)


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Pause garbage collection: tracing makes a great many objects, nearly all of which stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextlib.contextmanager
def without_registered_gradients() -> Iterator[None]:
    """Forget custom gradients once a function is traced: they are no longer needed.

    TensorFlow registers each of them permanently, which keeps the whole graph and model alive that it was traced
    for: some ten megabytes per candidate.
    """
    registry = getattr(getattr(ops, "gradient_registry", None), "_registry", {})
    before = set(registry)
    try:
        yield
    finally:
        for name in set(registry) - before:
            if str(name).startswith("CustomGradient-"):
                del registry[name]


@contextlib.contextmanager
def with_undivided_losses() -> Iterator[None]:
    """Inside the ``with`` block, Keras does not divide losses by the number of replicas.

    Newer Keras does so to those that it averages itself, but not to a user's function that returns one number;
    the engine divides the loss of the whole batch, whatever made it.
    """
    with replaced(loss, dict.fromkeys(_DIVISIONS, _as_it_is)):
        yield


def _as_it_is(value: Any) -> Any:
    return value
