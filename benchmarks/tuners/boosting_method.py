"""scikit-learn's histogram boosting with its defaults: a sanity line for tables, outside the ranking."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.tasks import Task
from benchmarks.tuners.metering import Meter
from benchmarks.tuners.numeric import numeric
from benchmarks.tuners.products import judge
from benchmarks.tuners.runs import Delivery, RunSpec


def run(task: Task, spec: RunSpec, meter: Meter) -> Delivery:
    """One fit on the training rows; arguments as for the other methods' ``run``."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    data = numeric(task)
    meter.ask()
    meter.begin(0, "defaults, early stopping on a part of the training rows")
    if task.target == "regression":
        model: Any = HistGradientBoostingRegressor(random_state=spec.seed, early_stopping=True)
    else:
        model = HistGradientBoostingClassifier(random_state=spec.seed, early_stopping=True)
    model.fit(data.x_train, task.y_train)

    def predict(x: np.ndarray) -> np.ndarray:
        return np.asarray(model.predict(x) if task.target == "regression" else model.predict_proba(x))

    product = judge(task, "best", predict(data.x_validation), predict(data.x_test))
    score = product.validation_error / task.scale if task.target == "regression" else 1 - product.validation_error
    meter.end("completed", score if math.isfinite(score) else math.nan)
    return Delivery([product], "exhausted")
