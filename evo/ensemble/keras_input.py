"""How the members of an ensemble that are Keras models are fed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def without_retracing_warnings() -> Iterator[None]:
    """Within this, TensorFlow does not warn that ``predict`` was traced again.

    Keras has to trace it once for each model, but from the fifth model on TensorFlow warns of a badly written loop.
    """
    logger = logging.getLogger("tensorflow")

    def keep(record: logging.LogRecord) -> bool:
        return "retracing" not in record.getMessage()

    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)


def keras_input(x: Any) -> Any:
    """Input as Keras models take it: texts become tensors, since Keras refuses numpy arrays of them."""
    if isinstance(x, Mapping):
        return {name: keras_input(values) for name, values in x.items()}
    if isinstance(x, (list, tuple)) and len(x) and all(hasattr(part, "dtype") for part in x):
        return [keras_input(values) for values in x]
    if isinstance(x, np.ndarray) and x.dtype.kind in "OUST":
        import tensorflow as tf

        return tf.constant(x.astype(object))
    return x
