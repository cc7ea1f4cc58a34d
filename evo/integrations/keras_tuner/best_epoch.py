"""Which epoch of a training counts: the best one by the objective, and of several such the one with the least loss.

KerasTuner takes the first of equally good epochs. Where few validation rows are left to tell them apart by accuracy,
that is the one that has learned least.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from keras_tuner.errors import FatalValueError
from keras_tuner.src.engine import tuner_utils

#: What tells equal scores apart; less is better.
LOSS = "val_loss"


def loss_of(metrics: Mapping[str, Any]) -> float:
    """The validation loss; infinity where there is none."""
    value = metrics.get(LOSS)
    return math.inf if value is None or not math.isfinite(value) else float(value)


class SaveBestEpoch(tuner_utils.SaveBestEpoch):  # type: ignore[misc]
    """Stores the weights of the epoch that counts, over all executions of a trial.

    Args:
        objective: of the oracle.
        filepath: where the weights go.
    """

    def __init__(self, objective: Any, filepath: str) -> None:
        super().__init__(objective, filepath)
        self._best_loss = math.inf

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """See ``keras.callbacks.Callback``."""
        before = self.best_value
        super().on_epoch_end(epoch, logs)
        if not self.objective.has_value(logs):
            return  # was stored
        loss = loss_of(logs)
        if self.best_value != before:
            self._best_loss = loss
        elif self.objective.get_value(logs) == before and loss < self._best_loss:
            self._best_loss = loss
            self._save_model()


def metrics_and_step(results: Any, objective: Any) -> tuple[dict[str, float], int]:
    """What a trial reports: the metrics of the epoch that counts, and its number.

    Args:
        results: what ``run_trial`` returned: a ``History``, a number, a dict, or a list of these, whose mean counts.
        objective: of the oracle.

    Raises:
        FatalValueError: a ``History`` in which the objective is missing, which no further trial would mend.
    """
    if isinstance(results, list):
        several = [metrics_and_step(result, objective) for result in results]
        mean = tuner_utils.average_metrics_dicts([metrics for metrics, _ in several])
        return mean, int(np.mean([step for _, step in several]))
    history = getattr(results, "history", None)
    if not isinstance(history, dict) or not history:
        return (
            tuner_utils.convert_to_metrics_dict(results, objective),
            tuner_utils.get_best_step(results, objective),
        )
    _check_reported(history, objective)
    epochs = [dict(zip(history, values, strict=True)) for values in zip(*history.values(), strict=False)]
    best = 0
    for number, metrics in enumerate(epochs):
        value, known = objective.get_value(metrics), objective.get_value(epochs[best])
        if objective.better_than(value, known) or (value == known and loss_of(metrics) < loss_of(epochs[best])):
            best = number
    # Several objectives are one sum, which is in no log.
    return {**epochs[best], objective.name: objective.get_value(epochs[best])}, best


def _check_reported(history: Mapping[str, Any], objective: Any) -> None:
    missing = [one.name for one in getattr(objective, "objectives", [objective]) if one.name not in history]
    if missing:
        unvalidated = missing[0].startswith("val_") and not any(name.startswith("val_") for name in history)
        hint = "give search() validation_data= or validation_split=, " if unvalidated else ""
        raise FatalValueError(f"objective: no epoch gives {', '.join(missing)}: {hint}there are {', '.join(history)}")
