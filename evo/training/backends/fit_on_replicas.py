"""What Keras' own ``fit`` and ``evaluate`` need under a ``tf.distribute.Strategy``, whatever the number of rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from genomes.replacement import replaced


def every_replica_has_rows(rows: int, size: int, replicas: int) -> bool:
    """Whether each replica gets a row of every batch, as TensorFlow shares batches out.

    One replica after the other gets the same number of rows, rounded up: of five rows four replicas get 2, 2, 1 and 0.
    Of no rows at all Keras takes a loss of 0 for their mean, and a user's own step one that is not a number.

    Args:
        rows: of an epoch.
        size: rows per batch.
        replicas: that share a batch.
    """
    batches = {min(size, rows), rows % size or size}
    return all(-(-batch // replicas) * (replicas - 1) < batch for batch in batches)


@contextlib.contextmanager
def on_one_device(model: Any) -> Iterator[None]:
    """Inside the ``with`` block, a model that was made for several replicas evaluates and predicts on one device.

    Its numbers are those of one device then, whatever the number of rows; Keras raises an error where the first batch
    has fewer rows than there are replicas.
    """
    with replaced(model, {"_distribute_strategy": None}):
        yield


def built_by_whole_batch(model: Any, batch: Any) -> contextlib.AbstractContextManager[None]:
    """Inside the ``with`` block, ``fit`` builds by this batch what is not yet built.

    Keras takes the mean of all replicas' parts of the first batch for it, an error where they differ in length.

    Args:
        model: the model.
        batch: ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``.
    """
    build = model._maybe_symbolic_build

    def built(iterator: Any = None, data_batch: Any = None) -> None:
        build(data_batch=batch)

    return replaced(model, {"_maybe_symbolic_build": built})
