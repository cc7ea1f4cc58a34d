"""Models without values: built to be looked at, in a third of the time and without memory for their weights."""

from __future__ import annotations

import contextlib
import gc
import weakref
from collections.abc import Iterator
from typing import Any

from genomes.process_state import new_garbage_alone
from genomes.replacement import replaced


@contextlib.contextmanager
def without_values() -> Iterator[None]:
    """Inside, the weights of new layers have shapes and no values; what reads or assigns one may fail.

    Weights that outlive it, because the user's program keeps a layer for later models, have values behind it. So that
    a model of any size takes no memory, nothing of it may be held when it ends.
    """
    import keras

    made: list[tuple[weakref.ref[Any], Any]] = []

    def deferred(variable: Any, initializer: Any) -> None:
        # Keras draws a value where one is asked for, as it does within a stateless scope.
        variable._value, variable._initializer = None, initializer
        made.append((weakref.ref(variable), initializer))

    def still_deferred(variable: Any) -> None:
        # Of models that make their weights when they are called, at the end of the stateless scope of that call.
        made.append((weakref.ref(variable), variable._initializer))

    methods = {"_initialize_with_initializer": deferred, "_deferred_initialize": still_deferred}
    try:
        # What was there before need not be looked at to find out which of the new objects are held.
        with new_garbage_alone():
            try:
                with replaced(keras.Variable, methods):
                    yield
            finally:
                gc.collect()
    finally:
        for reference, initializer in made:
            variable = reference()
            if variable is not None and variable._value is None:
                variable._initialize_with_initializer(initializer)
                variable._initializer = None
