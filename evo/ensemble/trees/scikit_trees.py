"""scikit-learn's histogram boosting, random forests and extra trees as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.trees.tree_arrays import SET_BYTES, TreeArrays

#: scikit-learn's links of losses, and ours.
_LINKS = {"IdentityLink": "identity", "LogLink": "exponential", "LogitLink": "logistic", "MultinomialLogit": "softmax"}


def boosting_arrays(model: Any) -> TreeArrays:
    """A fitted ``HistGradientBoostingClassifier`` or ``...Regressor`` as arrays.

    Its matrix must hold categories as 0, 1, ... in its first columns, as :class:`TableEncoding` gives them: then
    scikit-learn's own encoder of categories changes nothing.

    Raises:
        EnsembleError: a loss whose link is not known.
    """
    link = type(model._loss.link).__name__
    if link not in _LINKS:
        raise EnsembleError(f"settings: trees of the loss {model.loss!r} cannot be stored")
    trees = [(tree, output) for iteration in model._predictors for output, tree in enumerate(iteration)]
    nodes = [tree.nodes for tree, _ in trees]
    sets = [np.ascontiguousarray(tree.raw_left_cat_bitsets, "<u4").view(np.uint8) for tree, _ in trees]
    asked = [
        np.where(part["is_categorical"] > 0, part["bitset_idx"].astype(np.int64) + begin, -1)
        for part, begin in zip(nodes, _starts(sets), strict=True)
    ]
    return TreeArrays(
        **_joined(
            [np.where(part["is_leaf"], -1, part["feature_idx"].astype(np.int64)) for part in nodes],
            [part["left"].astype(np.int64) for part in nodes],
            [part["right"].astype(np.int64) for part in nodes],
            [part["value"][:, None] for part in nodes],
        ),
        threshold=np.concatenate([part["num_threshold"] for part in nodes]).astype(np.float64),
        missing_left=np.concatenate([part["missing_go_to_left"] for part in nodes]).astype(bool),
        base=np.asarray(model._baseline_prediction, np.float64).reshape(-1),
        output=np.array([output for _, output in trees], np.int32),
        category_set=np.concatenate(asked).astype(np.int32),
        sets=np.concatenate(sets).reshape(-1, SET_BYTES),
        link=_LINKS[link],
        classes=_classes(model),
    )


def forest_arrays(model: Any) -> TreeArrays:
    """A fitted forest of scikit-learn (``RandomForest...``, ``ExtraTrees...``) of one output as arrays.

    Thresholds are rounded down to float32, which decides the same, as its trees look at float32 values.
    """
    trees = [estimator.tree_ for estimator in model.estimators_]
    classes = _classes(model)
    threshold = np.concatenate([tree.threshold for tree in trees])
    missing = [tree.__getstate__()["nodes"]["missing_go_to_left"] for tree in trees]
    # (nodes, 1, classes) shares of the classes, or (nodes, 1, 1) means
    leaves = [tree.value[:, 0, :].astype(np.float32) for tree in trees]
    return TreeArrays(
        **_joined(
            [np.where(tree.children_left < 0, -1, tree.feature) for tree in trees],
            [tree.children_left for tree in trees],
            [tree.children_right for tree in trees],
            leaves,
        ),
        threshold=rounded_down(threshold),
        missing_left=np.concatenate(missing).astype(bool),
        base=np.zeros(leaves[0].shape[1]),
        scale=1 / len(trees),
        classes=classes,
        rounded=True,
    )


def rounded_down(threshold: np.ndarray) -> np.ndarray:
    """The largest float32 that is at most the threshold: float32 values are at most both, or neither."""
    nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest).astype(np.float32)


def _classes(model: Any) -> np.ndarray | None:
    return np.asarray(model.classes_, np.int64) if hasattr(model, "classes_") else None


def _starts(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.cumsum([0, *(len(part) for part in parts)])[: len(parts)]


def _joined(
    feature: Sequence[np.ndarray], left: Sequence[np.ndarray], right: Sequence[np.ndarray], value: Sequence[np.ndarray]
) -> dict[str, Any]:
    """Nodes of all trees in one row of numbers, and values of leaves alone, each value once.

    Args:
        feature: for each tree (nodes,), -1 for leaves.
        left: children by their place in the tree.
        right: as ``left``.
        value: (nodes, width).
    """
    starts = _starts(feature)
    features = np.concatenate(feature)
    is_leaf = features < 0
    lefts = np.concatenate([part + start for part, start in zip(left, starts, strict=True)])
    rights = np.concatenate([part + start for part, start in zip(right, starts, strict=True)])
    # Leaves of one class are many, and equal.
    values, which = np.unique(np.concatenate(value)[is_leaf], axis=0, return_inverse=True)
    lefts[is_leaf] = which.reshape(-1)
    rights[is_leaf] = 0
    return {
        "roots": starts.astype(np.int32),
        "feature": features.astype(np.int16 if features.max(initial=0) < 2**15 else np.int32),
        "left": lefts.astype(np.int32),
        "right": rights.astype(np.int32),
        "value": values,
    }
