"""Batch normalisation over the rows of all replicas, so that several devices compute what one would."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras


@contextlib.contextmanager
def synchronized(model: Any) -> Iterator[None]:
    """Inside the ``with`` block, batch normalisations of the model are traced with ``synchronized=True``.

    The model's config stays as it is, so that what is saved does not depend on the devices that it was trained on.
    """
    layers = [
        layer
        for layer in model._flatten_layers()
        if type(layer) is keras.layers.BatchNormalization and not layer.synchronized
    ]
    for layer in layers:
        layer.synchronized = True
    try:
        yield
    finally:
        for layer in layers:
            layer.synchronized = False
