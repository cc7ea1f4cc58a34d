"""What a traced function of TensorFlow does without: rewriting, garbage collection, gradients kept for good."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

import tensorflow as tf
from tensorflow.python.framework import ops


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
