"""Trees for the rows that the nets learn from: which kinds, with which settings, in which order."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble import library
from evo.ensemble.arguments import as_target, as_targets
from evo.ensemble.fold import Fold
from evo.ensemble.trees.catboost_trees import grow_catboost
from evo.ensemble.trees.growing import Growing, Rows
from evo.ensemble.trees.lightgbm_trees import grow_lightgbm
from evo.ensemble.trees.scikit_fitting import grow_boosting, grow_extra_trees, grow_random_forest
from evo.ensemble.trees.table_encoding import TableEncoding
from evo.ensemble.trees.tree_arrays import TreeArrays
from evo.ensemble.trees.tree_model import TreeModel, outputs_of
from evo.ensemble.trees.xgboost_trees import grow_xgboost
from genomes.process_state import start_method_put_back
from genomes.targets import Target


@dataclass(frozen=True)
class TreeKind:
    """A kind of trees.

    Attributes:
        grow: grows them.
        package: the package that it needs beside evo's own dependencies, or None.
    """

    grow: Callable[[Growing], TreeArrays]
    package: str | None = None

    @property
    def is_installed(self) -> bool:
        """Whether its package is there."""
        return self.package is None or importlib.util.find_spec(self.package) is not None


#: Kinds of trees by name.
KINDS: Mapping[str, TreeKind] = {
    "LightGBM": TreeKind(grow_lightgbm, "lightgbm"),
    "CatBoost": TreeKind(grow_catboost, "catboost"),
    "XGBoost": TreeKind(grow_xgboost, "xgboost"),
    "boosting": TreeKind(grow_boosting),
    "extra trees": TreeKind(grow_extra_trees),
    "random forest": TreeKind(grow_random_forest),
}

#: CatBoost's own defaults but for the rate, which it else guesses.
_PLAIN_CATBOOST = {
    "learning_rate": 0.05,
    "depth": 6,
    "l2_leaf_reg": 3.0,
    "random_strength": 1.0,
    "leaf_estimation_iterations": 1,
    "bootstrap_type": "MVS",
    "subsample": 0.8,
}
#: Thresholds drawn at random, as in AutoGluon's "LightGBMXT".
_EXTRA_LIGHTGBM = {
    "extra_trees": True,
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 20,
    "bagging_fraction": 1.0,
}

#: What is grown, in this order, as far as time allows: first one of each kind, then other settings. Boosting with
#: scikit-learn's own settings; slower with smaller trees; larger trees on random features.
RECIPES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("LightGBM", {}),
    ("CatBoost", {}),
    ("boosting", {"learning_rate": 0.1, "max_leaf_nodes": 31}),
    ("extra trees", {}),
    ("random forest", {}),
    ("XGBoost", {}),
    ("CatBoost", _PLAIN_CATBOOST),
    ("LightGBM", _EXTRA_LIGHTGBM),
    ("boosting", {"learning_rate": 0.06, "max_leaf_nodes": 15, "l2_regularization": 1.0}),
    ("boosting", {"learning_rate": 0.06, "max_leaf_nodes": 63, "max_features": 0.5, "min_samples_leaf": 10}),
)

#: Share of the time left that one model may take, and of all time after which none begins.
_SHARE, _END = 0.4, 0.95


def fit_trees(
    x: Any,
    y: np.ndarray,
    task: Target | str,
    *,
    kind: str = "boosting",
    outputs: int | None = None,
    settings: Mapping[str, Any] | None = None,
    categorical: Sequence[str] = (),
    iterations: int | None = None,
    seed: int = 0,
    sample_weight: np.ndarray | None = None,
) -> TreeModel:
    """Grow trees on all rows given; boosting keeps a tenth of them to stop by.

    Args:
        x: a matrix, structured array, DataFrame or mapping of columns; text columns become categories,
            missing values stay missing.
        y: targets as the nets get them.
        task: what is predicted, or the name of its task.
        kind: one of :data:`KINDS`.
        outputs: number of classes or outputs; read from ``y`` for None.
        settings: arguments of the library, over our defaults.
        categorical: names of numeric columns that are categories.
        iterations: most rounds of boosting; None for our defaults.
        seed: of the rows that early stopping looks at, and of all that is drawn.
        sample_weight: weight of each row, or None.

    Raises:
        EnsembleError: ``x`` is no table, targets do not fit the task, or a kind that is unknown or not installed.
    """
    if kind not in KINDS:
        raise EnsembleError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    if not KINDS[kind].is_installed:
        raise EnsembleError(f"kind: {kind} needs a package that is not installed: pip install {KINDS[kind].package}")
    grower = _Grower(x, y, as_target(task), outputs, categorical)
    models = [
        grower.grow(kind, part, settings or {}, seed, iterations=iterations) for part in grower.rows(sample_weight)
    ]
    return grower.model([models], kind)


def tree_candidates(
    x_train: Any,
    y_train: np.ndarray,
    x_validation: Any,
    y_validation: np.ndarray,
    task: Target | str,
    *,
    outputs: int | None = None,
    recipes: Sequence[tuple[str, Mapping[str, Any]]] = RECIPES,
    categorical: Sequence[str] = (),
    folds: Sequence[Fold] = (),
    seed: int = 0,
    sample_weight: np.ndarray | None = None,
    seconds: float | None = None,
    data: str | None = None,
    known: library.ByNumber | None = None,
    keep: library.Keep | None = None,
) -> library.Candidates:
    """Trees as candidates numbered -1, -2, ..., with their predictions for the rows that are judged by.

    Left out is a kind whose package is not installed, trees that predict exactly what earlier ones do, and with a
    warning a kind that fails.

    Args:
        x_train: raw training input.
        y_train: its targets.
        x_validation: raw validation input.
        y_validation: its targets, for the scores.
        task: what is predicted, or the name of its task.
        outputs: number of classes or outputs of the nets.
        recipes: kinds and settings, in this order.
        categorical: names of numeric columns that are categories.
        folds: grow a model for each fold, whose mean is the candidate; each is judged by its own rows.
        seed: of all that is drawn.
        sample_weight: weight of each training row, or None.
        seconds: about how long it may take in all; None for no limit. No model is stopped before its first round.
        data: fingerprint of the data, as for the nets.
        known: candidates of an earlier call with the same arguments, by number, which are not grown again.
        keep: is given each further candidate as soon as it is there.

    Raises:
        EnsembleError: as :func:`fit_trees`; or no kind of trees could be grown.
    """
    started = time.monotonic()
    grower = _Grower(x_train, y_train, as_target(task), outputs, categorical)
    judged = grower.encoding.encode(x_validation)
    targets = as_targets(y_validation, grower.target, grower.target.width, "y_validation")
    if not folds:
        folds = [Fold(np.arange(len(grower.matrix)), np.arange(len(judged)), sample_weight)]
    candidates: library.Candidates = []
    notes: list[str] = []
    usual = [(number, *recipe) for number, recipe in enumerate(recipes) if KINDS[recipe[0]].is_installed]
    if any(kind == "LightGBM" for _, kind, _ in usual):  # which does the same as scikit-learn's boosting, and sooner
        usual.sort(key=lambda recipe: recipe[1] == "boosting")
    for done, (number, kind, settings) in enumerate(usual):
        if known and -1 - number in known:
            candidates.append(known[-1 - number])
            continue
        elapsed = time.monotonic() - started
        if seconds is not None and done and elapsed >= _END * seconds:
            break
        left = None if seconds is None else _SHARE * (seconds - elapsed)
        try:
            model, predictions = _grown(grower, kind, settings, folds, judged, targets, seed + number, left)
        except EnsembleError:
            raise
        except Exception as error:
            library.warn(f"{kind} left out: {type(error).__name__}: {error}", notes)
            continue
        library.add_beside_nets(
            candidates, -1 - number, model, predictions, (grower.target, targets), kind="trees", data=data, keep=keep
        )
    if not candidates:
        raise EnsembleError(f"trees: none could be grown ({notes[-1] if notes else 'none was asked for'})")
    return candidates


def _grown(
    grower: _Grower,
    kind: str,
    settings: Mapping[str, Any],
    folds: Sequence[Fold],
    judged: np.ndarray,
    targets: np.ndarray,
    seed: int,
    seconds: float | None,
) -> tuple[TreeModel, np.ndarray]:
    """A model, and what it predicts for the rows that it is judged by."""
    copies = []
    predictions = np.zeros((len(judged), grower.target.width), np.float32)
    parts = grower.target.separated(targets)
    share = None if seconds is None else seconds / (len(folds) * len(parts))
    for fold in folds:
        matrix = judged[fold.judged]
        copies.append(
            [
                grower.grow(kind, rows, settings, seed, Rows(matrix, part[fold.judged]), seconds=share)
                for rows, part in zip(grower.rows(fold.weight, fold.train), parts, strict=True)
            ]
        )
        predictions[fold.judged] = outputs_of(copies[-1], matrix, grower.target)
    return grower.model(copies, kind), predictions


class _Grower:
    """A table as numbers, learned once for all kinds of trees and all folds.

    Raises:
        EnsembleError: it is no table, or targets do not fit.
    """

    def __init__(self, x: Any, y: np.ndarray, target: Target, outputs: int | None, categorical: Sequence[str]) -> None:
        targets = as_targets(y, target, outputs)
        self.encoding = TableEncoding.learn(x, categorical)
        self.matrix = self.encoding.encode(x)
        if len(self.matrix) != len(targets):
            raise EnsembleError(f"y: {len(targets)} rows, but x has {len(self.matrix)}")
        self.parts = target.separated(targets)
        self.target = replace(target, outputs=target.count_outputs(targets) if outputs is None else outputs)

    def rows(self, weight: np.ndarray | None, which: np.ndarray | None = None) -> list[Rows]:
        """Training rows for each part of the targets that trees of its own learn.

        Raises:
            EnsembleError: rows of a single class.
        """
        found = []
        for part in self.parts:
            rows = Rows(self.matrix, part, weight) if which is None else Rows(self.matrix[which], part[which], weight)
            known = np.unique(rows.y)
            if rows.are_classes and len(known) < 2:
                raise EnsembleError(f"y: a classifier needs two classes to learn from, got {known.tolist()}")
            found.append(rows)
        return found

    def grow(
        self,
        kind: str,
        rows: Rows,
        settings: Mapping[str, Any],
        seed: int,
        judged: Rows | None = None,
        *,
        iterations: int | None = None,
        seconds: float | None = None,
    ) -> TreeArrays:
        """Trees of one kind."""
        growing = Growing(rows, judged, self.encoding.categorical, settings, iterations, seed, seconds)
        with start_method_put_back():
            return KINDS[kind].grow(growing)

    def model(self, copies: Sequence[Sequence[TreeArrays]], kind: str) -> TreeModel:
        """The model of these trees."""
        return TreeModel(copies, self.encoding, self.target, kind)
