"""Measurements of a trained model that are made if an objective asks for them; each becomes a score of its name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np

from evo.training.backends.engine import Engine

#: Rows of the batch whose latency is measured.
_LATENCY_ROWS = 32


def _latency(engine: Engine) -> float:
    """Seconds to predict one batch of up to 32 validation rows: median of 20 calls, the model warm."""
    import keras

    rows = min(_LATENCY_ROWS, engine.data.validation.rows)
    x = keras.tree.map_structure(lambda array: np.asarray(array[:rows]), engine.data.validation.x)
    engine.model.predict_on_batch(x)
    seconds = []
    for _ in range(20):
        began = time.perf_counter()
        engine.model.predict_on_batch(x)
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))


#: Name of the score to what measures it, after the last epoch.
MEASUREMENTS: dict[str, Callable[[Engine], float]] = {"latency": _latency}


def asked_for(objectives: Iterable[str]) -> tuple[str, ...]:
    """The measurements that the names of objectives mention."""
    names = list(objectives)
    return tuple(measurement for measurement in MEASUREMENTS if any(measurement in name for name in names))
