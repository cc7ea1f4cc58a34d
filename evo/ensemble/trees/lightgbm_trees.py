"""LightGBM: growing, and its trees as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evo.ensemble.trees.growing import Growing
from evo.ensemble.trees.node_rows import NodeRows
from evo.ensemble.trees.stopping import PATIENCE, Clock, known_classes, learned_and_judged, most_rounds
from evo.ensemble.trees.tree_arrays import TreeArrays

#: The tuned defaults for classes and for numbers of Holzmüller, Grinsztajn & Steinwart, "Better by default" (2024).
_CLASSES = {"learning_rate": 0.04, "num_leaves": 50, "min_data_in_leaf": 40, "bagging_fraction": 0.75}
_NUMBERS = {"learning_rate": 0.05, "num_leaves": 100, "min_data_in_leaf": 3, "bagging_fraction": 0.7}
_BOTH = {"bagging_freq": 1, "min_sum_hessian_in_leaf": 1e-7, "verbosity": -1}


def grow_lightgbm(growing: Growing) -> TreeArrays:
    """Gradient boosting by LightGBM (Ke et al. 2017), stopped early."""
    import lightgbm

    rows, judged = learned_and_judged(growing)
    classes = known_classes(growing.rows) if rows.are_classes else None
    own = {"seed": growing.seed, "num_threads": growing.threads}
    settings = {**(_NUMBERS if classes is None else _CLASSES), **_BOTH, **own, **growing.settings}
    outputs = 1 if classes is None or len(classes) == 2 else len(classes)
    settings |= {"objective": _objective(classes), "num_class": outputs}
    options = {"categorical_feature": np.flatnonzero(growing.categorical).tolist(), "params": {"verbosity": -1}}
    train = lightgbm.Dataset(rows.matrix, rows.y, weight=rows.weight, **options)
    clock = Clock(growing)
    callbacks: list[Any] = [_end_by(clock)]
    further: dict[str, Any] = {}
    rounds = most_rounds(growing, judged, settings["num_leaves"], settings["num_class"])
    if judged is not None:
        callbacks.append(lightgbm.early_stopping(PATIENCE, verbose=False))
        further["valid_sets"] = [lightgbm.Dataset(judged.matrix, judged.y, reference=train, **options)]
    model = lightgbm.train(settings, train, rounds, callbacks=callbacks, **further)
    best = model.best_iteration if model.best_iteration > 0 else None
    return lightgbm_arrays(model.dump_model(num_iteration=best), classes)


def _objective(classes: np.ndarray | None) -> str:
    """Squared errors, or the cross-entropy of two or of several classes."""
    return "l2" if classes is None else "xentropy" if len(classes) == 2 else "softmax"


def _end_by(clock: Clock) -> Any:
    def after_round(state: Any) -> None:
        from lightgbm.callback import EarlyStopException

        if clock.is_over:
            raise EarlyStopException(state.iteration, state.evaluation_result_list or [])

    after_round.order = 40  # type: ignore[attr-defined]
    return after_round


def lightgbm_arrays(dumped: Mapping[str, Any], classes: Sequence[int] | np.ndarray | None) -> TreeArrays:
    """What ``Booster.dump_model`` gives as arrays.

    Args:
        dumped: JSON of the model.
        classes: the classes of its outputs, or None for numbers.
    """
    outputs = int(dumped["num_tree_per_iteration"])
    nodes = NodeRows()
    for tree in dumped["tree_info"]:
        nodes.begin_tree(tree["tree_index"] % outputs)
        _add(nodes, tree["tree_structure"])
    link = "identity" if classes is None else "logistic" if outputs == 1 else "softmax"
    return nodes.arrays(np.zeros(outputs), link, None if classes is None else np.asarray(classes, np.int64))


def _add(nodes: NodeRows, root: Mapping[str, Any]) -> None:
    """A tree's nodes, parents before children."""
    waiting: list[tuple[Mapping[str, Any], int, bool]] = [(root, -1, True)]
    while waiting:
        node, parent, is_left = waiting.pop()
        if "split_feature" not in node:
            place = nodes.add_leaf(float(node["leaf_value"]))
        elif node["decision_type"] == "==":
            # a missing category is none of them
            codes = [int(code) for code in str(node["threshold"]).split("||")]
            place = nodes.add_set(node["split_feature"], codes, False)
        else:
            threshold = float(node["threshold"])
            # a column without gaps in training takes one for 0
            missing_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0.0
            place = nodes.add_split(node["split_feature"], threshold, bool(missing_left))
        nodes.link(parent, place, is_left)
        if "split_feature" in node:
            waiting += [(node["right_child"], place, False), (node["left_child"], place, True)]
