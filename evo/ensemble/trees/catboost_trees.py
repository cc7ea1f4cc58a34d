"""CatBoost: growing, and its trees as arrays."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.ensemble.trees.growing import Growing
from evo.ensemble.trees.node_rows import NodeRows
from evo.ensemble.trees.stopping import PATIENCE, Clock, known_classes, learned_and_judged, most_rounds
from evo.ensemble.trees.tree_arrays import SET_BYTES, TreeArrays

#: The tuned defaults for classes and for numbers of Holzmüller, Grinsztajn & Steinwart, "Better by default" (2024).
_CLASSES = {"learning_rate": 0.08, "depth": 7, "random_strength": 0.8, "leaf_estimation_iterations": 1}
_NUMBERS = {"learning_rate": 0.09, "depth": 9, "random_strength": 0.0, "leaf_estimation_iterations": 20}
_BOTH = {"l2_leaf_reg": 1e-5, "boosting_type": "Plain", "bootstrap_type": "Bernoulli", "subsample": 0.9}
#: Most categories of a column that have a column of their own.
_MOST_CATEGORIES = 64


def grow_catboost(growing: Growing) -> TreeArrays:
    """Gradient boosting of oblivious trees by CatBoost (Prokhorenkova et al. 2018), stopped early.

    Frequent categories become columns of 0 and 1, as CatBoost itself does with few: its statistics of targets are
    no thresholds.
    """
    import catboost

    rows, judged = learned_and_judged(growing)
    classes = known_classes(growing.rows) if rows.are_classes else None
    columns = _columns(rows.matrix, growing.categorical)
    own = {"random_seed": growing.seed, "thread_count": growing.threads}
    settings = {**(_NUMBERS if classes is None else _CLASSES), **_BOTH, **own, **growing.settings}
    model = catboost.CatBoost(
        {
            **settings,
            "loss_function": "RMSE" if classes is None else "Logloss" if len(classes) == 2 else "MultiClass",
            "iterations": most_rounds(growing, judged, 2 ** settings["depth"], 1),
            "verbose": False,
            "allow_writing_files": False,
        }
    )
    further: dict[str, Any] = {}
    if judged is not None:
        further = {
            "eval_set": catboost.Pool(_widened(judged.matrix, columns), judged.y),
            "early_stopping_rounds": PATIENCE,
        }
    pool = catboost.Pool(_widened(rows.matrix, columns), rows.y, weight=rows.weight)
    model.fit(pool, callbacks=[_EndByClock(Clock(growing))], **further)
    with tempfile.TemporaryDirectory(prefix="evo-") as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        stored = json.loads(path.read_text(encoding="utf-8"))
    return catboost_arrays(stored, columns, classes)


class _EndByClock:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def after_iteration(self, info: Any) -> bool:
        """Whether to go on."""
        return not self.clock.is_over


def _columns(matrix: np.ndarray, categorical: np.ndarray) -> list[tuple[int, int | None]]:
    """Columns that CatBoost gets: one of the matrix, or whether that one is a category."""
    columns: list[tuple[int, int | None]] = []
    for at, is_category in enumerate(categorical):
        if not is_category:
            columns.append((at, None))
            continue
        found, counts = np.unique(matrix[~np.isnan(matrix[:, at]), at].astype(int), return_counts=True)
        frequent = np.sort(found[np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]])
        columns += [(at, int(code)) for code in frequent]
    return columns


def _widened(matrix: np.ndarray, columns: Sequence[tuple[int, int | None]]) -> np.ndarray:
    parts = [matrix[:, at] if code is None else matrix[:, at] == code for at, code in columns]
    return np.stack(parts, axis=1).astype(np.float32)


def catboost_arrays(
    stored: Mapping[str, Any], columns: Sequence[tuple[int, int | None]], classes: np.ndarray | None
) -> TreeArrays:
    """The JSON of a CatBoost model of numeric columns as arrays.

    An oblivious tree asks the same question of all nodes of a level; its leaves are numbered by the answers, the first
    question's being the lowest bit.

    Args:
        stored: what ``save_model(format="json")`` writes.
        columns: what its columns are: one of the matrix, or whether that one is a category.
        classes: the classes of its outputs, or None for numbers.
    """
    floats = stored["features_info"]["float_features"]
    outputs = 1 if classes is None or len(classes) == 2 else len(classes)
    scale, base = stored["scale_and_bias"]

    def question(split: Mapping[str, Any]) -> tuple[int, int | None, float, bool]:
        feature = floats[split["float_feature_index"]]
        return *columns[feature["flat_feature_index"]], split["border"], feature["nan_value_treatment"] != "AsTrue"

    nodes = NodeRows(single=True)
    for tree in stored["oblivious_trees"]:
        leaves = np.asarray(tree["leaf_values"], np.float64).reshape(-1, outputs) * scale
        nodes.begin_tree(None if outputs > 1 else 0)
        _add(nodes, leaves, [question(split) for split in reversed(tree["splits"] or [])])
    link = "identity" if classes is None else "logistic" if outputs == 1 else "softmax"
    given = None if classes is None else np.asarray(classes, np.int64)
    return nodes.arrays(np.broadcast_to(np.asarray(base, np.float64), (outputs,)).copy(), link, given)


def _add(nodes: NodeRows, leaves: np.ndarray, questions: Sequence[tuple[int, int | None, float, bool]]) -> None:
    """A tree's nodes, parents before children; leaves that are all the same are one.

    Args:
        leaves: (leaves, outputs).
        questions: for each level a column, one of its categories or None, a threshold, where missing values go.
    """
    waiting = [(0, 0, -1, True)]
    while waiting:
        level, first, parent, is_left = waiting.pop()
        half = len(leaves) >> (level + 1)
        below = leaves[first : first + max(1, 2 * half)]
        if (below == below[0]).all():
            place = nodes.add_leaf(below[0])
        else:
            column, code, threshold, missing_left = questions[level]
            if code is None:
                place = nodes.add_split(column, threshold, missing_left)
            else:  # all other categories, and none, are not this one
                place = nodes.add_set(column, (other for other in range(8 * SET_BYTES) if other != code), True)
            waiting += [(level + 1, first + half, place, False), (level + 1, first, place, True)]
        nodes.link(parent, place, is_left)
