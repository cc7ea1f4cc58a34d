"""XGBoost: growing, and its trees as arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.trees.growing import Growing
from evo.ensemble.trees.node_rows import NodeRows
from evo.ensemble.trees.stopping import PATIENCE, Clock, known_classes, learned_and_judged, most_rounds
from evo.ensemble.trees.tree_arrays import TreeArrays

#: The tuned defaults for classes and for numbers of Holzmüller, Grinsztajn & Steinwart, "Better by default" (2024).
_CLASSES = {"eta": 0.08, "max_depth": 6, "min_child_weight": 5e-6, "colsample_bylevel": 0.9, "subsample": 0.65}
_NUMBERS = {"eta": 0.05, "max_depth": 9, "min_child_weight": 2.0, "subsample": 0.7}
_BOTH = {"lambda": 0.0, "tree_method": "hist", "verbosity": 0}
_LINKS = {"reg:squarederror": "identity", "binary:logistic": "logistic", "multi:softprob": "softmax"}


def grow_xgboost(growing: Growing) -> TreeArrays:
    """Gradient boosting by XGBoost (Chen & Guestrin 2016), stopped early."""
    import xgboost

    rows, judged = learned_and_judged(growing)
    classes = known_classes(growing.rows) if rows.are_classes else None
    own = {"seed": growing.seed, "nthread": growing.threads}
    settings = {**(_NUMBERS if classes is None else _CLASSES), **_BOTH, **own, **growing.settings}
    settings |= {"objective": _objective(classes), "base_score": 0.5}
    if classes is None:
        settings["base_score"] = float(np.average(rows.y, weights=rows.weight))
    elif len(classes) > 2:
        settings["num_class"] = len(classes)
    kinds = ["c" if is_category else "q" for is_category in growing.categorical]
    options: dict[str, Any] = {"feature_types": kinds, "enable_categorical": True}
    train = xgboost.DMatrix(rows.matrix, label=rows.y, weight=rows.weight, **options)
    further: dict[str, Any] = {}
    outputs = int(settings.get("num_class", 1))
    rounds = most_rounds(growing, judged, 2 ** settings["max_depth"], outputs)
    if judged is not None:
        further = {
            "evals": [(xgboost.DMatrix(judged.matrix, label=judged.y, **options), "judged")],
            "early_stopping_rounds": PATIENCE,
            "verbose_eval": False,
        }
    model = xgboost.train(settings, train, rounds, callbacks=[_end_by(Clock(growing))], **further)
    # What the clock ended before the first gain has no best round.
    best = model.attr("best_iteration")
    count = model.num_boosted_rounds() if best is None else int(best) + 1
    return xgboost_arrays(json.loads(model.save_raw("json")), settings["base_score"], classes, count)


def _objective(classes: np.ndarray | None) -> str:
    return "reg:squarederror" if classes is None else "binary:logistic" if len(classes) == 2 else "multi:softprob"


def _end_by(clock: Clock) -> Any:
    import xgboost

    class EndByClock(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            return clock.is_over

    return EndByClock()


def xgboost_arrays(stored: Mapping[str, Any], base_score: float, classes: np.ndarray | None, rounds: int) -> TreeArrays:
    """The JSON of an XGBoost model as arrays.

    Args:
        stored: what ``Booster.save_raw("json")`` holds.
        base_score: that it was trained with: the mean of numbers, one half for classes.
        classes: the classes of its outputs, or None for numbers.
        rounds: how many are used.

    Raises:
        EnsembleError: an objective that is not known here.
    """
    learner = stored["learner"]
    name = learner["objective"]["name"]
    if name not in _LINKS:
        raise EnsembleError(f"settings: trees of XGBoost's objective {name!r} cannot be stored")
    model = learner["gradient_booster"]["model"]
    outputs = max(1, int(learner["learner_model_param"]["num_class"]))
    nodes = NodeRows(single=True)
    for tree, output in zip(model["trees"][: rounds * outputs], model["tree_info"], strict=False):
        nodes.begin_tree(output)
        _add(nodes, tree)
    base = np.full(outputs, np.float32(base_score) if classes is None else 0.0, np.float64)
    return nodes.arrays(base, _LINKS[name], None if classes is None else np.asarray(classes, np.int64))


def _add(nodes: NodeRows, tree: Mapping[str, Any]) -> None:
    """A tree's nodes, parents before children. A value goes left below the threshold, a category in the set right."""
    left, right, value = tree["left_children"], tree["right_children"], tree["split_conditions"]
    below = np.nextafter(np.asarray(value, np.float32), np.float32(-np.inf))
    sets = {
        node: tree["categories"][begin : begin + size]
        for node, begin, size in zip(
            tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
        )
    }
    waiting = [(0, -1, True)]
    while waiting:
        node, parent, is_left = waiting.pop()
        missing_left = bool(tree["default_left"][node])
        if left[node] < 0:
            nodes.link(parent, nodes.add_leaf(float(np.float32(value[node]))), is_left)
            continue
        if node in sets:
            place = nodes.add_set(tree["split_indices"][node], sets[node], not missing_left)
            children = [(left[node], place, False), (right[node], place, True)]
        else:
            place = nodes.add_split(tree["split_indices"][node], float(below[node]), missing_left)
            children = [(right[node], place, False), (left[node], place, True)]
        nodes.link(parent, place, is_left)
        waiting += children
