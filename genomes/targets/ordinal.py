"""Exclusive classes in an order: small, medium, large."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genomes.targets.multiclass import Multiclass


class Ordinal(Multiclass):
    """Labels as for :class:`Multiclass`, in the order of their indices: ``Ordinal(labels=["low", "mid", "high"])``.

    A model does not learn the classes side by side but, for each but the last, whether the answer goes on beyond it:
    the continuation-ratio model (Fienberg, The Analysis of Cross-Classified Categorical Data, 1980; with nets as CORN:
    Shi, Cao and Raschka 2021). Its probabilities are those of the classes again, so that ensembles are formed, judged
    and exported as for other classes. Besides, it is judged by ``mae``: by how many classes a prediction is off.
    """

    task = "ordinal"
    is_stated = True
    objective = "-val_mae"
    metric_names = ("accuracy", "mae")
    losses_by_objective = {**Multiclass.losses_by_objective, "-val_mae": ("calibrated_log_loss", "error")}

    # -- model -----------------------------------------------------------------------
    def head(self, x: Any, statistics: Mapping[str, np.ndarray] | None = None) -> Any:
        """One logit per step from a class to the next, and the probabilities of the classes that follow from them."""
        import keras
        from keras import ops

        steps = self.scores(x, self.width - 1)
        goes_on, stops = -ops.softplus(-steps), -ops.softplus(steps)  # logarithms of the probabilities of both
        so_far = ops.cumsum(goes_on, axis=-1)
        here = ops.concatenate([so_far - goes_on + stops, so_far[:, -1:]], axis=-1)
        return keras.layers.Activation("linear", dtype="float32", name="output")(ops.exp(here))

    def ambiguity(self, scores: Any) -> None:
        """None: which steps count depends on the class."""
        return None

    def head_cost(self, features: int) -> tuple[int, int]:
        """Of a layer with an output less than there are classes, and some six operations per class."""
        steps = self.width - 1
        return features * steps + steps, 2 * features * steps + 7 * steps

    def metrics(self, soft: bool = False) -> list[Any]:
        """``accuracy`` and ``mae``, the mean distance of the predicted class to the true one, in classes."""
        import keras
        from keras import ops

        def distance(y_true: Any, y_pred: Any) -> Any:
            true = ops.argmax(y_true, axis=-1) if soft else ops.reshape(y_true, (-1,))
            told = ops.argmax(y_pred, axis=-1)
            return ops.abs(ops.cast(told, "float32") - ops.cast(true, "float32"))

        return [*super().metrics(soft), keras.metrics.MeanMetricWrapper(distance, name="mae")]

    # -- judging -----------------------------------------------------------------------
    def evaluate(
        self, predictions: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
    ) -> dict[str, float]:
        """As for other classes, and ``mae``."""
        off = np.abs(predictions.argmax(axis=1) - targets)
        return {**super().evaluate(predictions, targets, weight), "mae": float(np.average(off, weights=weight))}
