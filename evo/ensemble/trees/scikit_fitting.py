"""Growing scikit-learn's trees: histogram boosting, random forests, extra trees."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from evo.ensemble.trees.growing import Growing, Rows
from evo.ensemble.trees.scikit_trees import boosting_arrays, forest_arrays
from evo.ensemble.trees.tree_arrays import TreeArrays

#: Most rounds of boosting, and how many are done before time is looked at.
_ROUNDS, _ROUNDS_AT_ONCE = 500, 100
#: When boosting stops early.
_STOPPING = {"early_stopping": True, "validation_fraction": 0.1, "n_iter_no_change": 15}
#: Trees of a forest, and how many are grown before time and size are looked at.
_TREES, _AT_ONCE = 200, 25
#: Bytes of a forest; no further trees are grown that would take more.
_MOST_BYTES = 16 * 2**20
#: Bytes of one node, see :class:`TreeArrays`.
_NODE = 15


def grow_boosting(growing: Growing) -> TreeArrays:
    """Histogram gradient boosting, stopped early on a tenth of the rows.

    Few rows (200), or a class of a single one, leave none to stop by: then there are 100 rounds.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    rows = growing.rows
    counts = np.unique(rows.y, return_counts=True)[1] if rows.are_classes else np.array([len(rows.y)])
    few = len(rows.y) < 200 or counts.max() < 20 or counts.min() < 2
    most = growing.iterations or (100 if few else _ROUNDS)
    stop = {"max_iter": most, "early_stopping": False} if few else {"max_iter": most, **_STOPPING}
    kind = HistGradientBoostingClassifier if rows.are_classes else HistGradientBoostingRegressor
    model = kind(
        **{**stop, "random_state": growing.seed, "categorical_features": growing.categorical, **growing.settings}
    )
    with threadpool_limits(growing.threads, user_api="openmp"):
        return boosting_arrays(_boosted(model, growing))


def _boosted(model: Any, growing: Growing) -> Any:
    """The model, fitted; some rounds at a time where time is limited."""
    rows = growing.rows
    if growing.seconds is None:
        return model.fit(rows.matrix, rows.y, sample_weight=rows.weight)
    started = time.monotonic()
    most = model.max_iter
    model.set_params(warm_start=True)
    while True:
        wanted = min(most, getattr(model, "n_iter_", 0) + _ROUNDS_AT_ONCE)
        model.set_params(max_iter=wanted).fit(rows.matrix, rows.y, sample_weight=rows.weight)
        late = time.monotonic() - started > growing.seconds
        if late or wanted == most or model.n_iter_ < wanted:
            return model


def grow_random_forest(growing: Growing) -> TreeArrays:
    """Random forest (Breiman 2001)."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    return _forest(RandomForestClassifier if growing.rows.are_classes else RandomForestRegressor, growing)


def grow_extra_trees(growing: Growing) -> TreeArrays:
    """Extremely randomised trees (Geurts, Ernst & Wehenkel 2006)."""
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    return _forest(ExtraTreesClassifier if growing.rows.are_classes else ExtraTreesRegressor, growing)


def _forest(kind: Any, growing: Growing) -> TreeArrays:
    """A forest of 200 trees, or as many as time and 16 MB allow.

    Leaves hold one row (classes) or two (numbers), and more in large tables, so that there is room for enough trees.
    """
    rows = growing.rows
    started = time.monotonic()
    wanted = int(growing.settings.get("n_estimators", _TREES))
    model = kind(
        **{
            "min_samples_leaf": _least_rows(rows),
            "max_features": "sqrt" if rows.are_classes else 0.5,
            "random_state": growing.seed,
            "n_jobs": growing.threads,
            **growing.settings,
            "warm_start": True,
            "n_estimators": min(wanted, _AT_ONCE),
        }
    )
    while True:
        model.fit(rows.matrix, rows.y, sample_weight=rows.weight)
        grown = len(model.estimators_)
        nodes = sum(estimator.tree_.node_count for estimator in model.estimators_)
        room = int(_MOST_BYTES / (_NODE * nodes / grown)) - grown
        more = min(wanted - grown, room, _AT_ONCE)
        spent = time.monotonic() - started
        late = growing.seconds is not None and spent * (grown + _AT_ONCE) / grown > growing.seconds
        if more <= 0 or late:
            return forest_arrays(model)
        model.set_params(n_estimators=grown + more)


def _least_rows(rows: Rows) -> int:
    return max(1 if rows.are_classes else 2, math.ceil(len(rows.y) / 20_000))
