"""Training of gradient-boosted trees: scikit-learn's, on the same split as the nets."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.arguments import as_target, as_targets
from evo.ensemble.library import LibraryModel
from evo.ensemble.metrics import evaluate
from evo.ensemble.trees.table_encoding import TableEncoding
from evo.ensemble.trees.tree_model import TreeModel
from genomes.targets import Target

#: Settings of the candidates, in the order in which they are tried: scikit-learn's own; slower with
#: smaller trees; larger trees on random features.
SETTINGS: tuple[Mapping[str, Any], ...] = (
    {"learning_rate": 0.1, "max_leaf_nodes": 31},
    {"learning_rate": 0.06, "max_leaf_nodes": 15, "l2_regularization": 1.0},
    {"learning_rate": 0.06, "max_leaf_nodes": 63, "max_features": 0.5, "min_samples_leaf": 10},
)

#: When boosting stops early.
_STOPPING = {"early_stopping": True, "validation_fraction": 0.1, "n_iter_no_change": 15}


def fit_trees(
    x: Any,
    y: np.ndarray,
    task: Target | str,
    *,
    outputs: int | None = None,
    settings: Mapping[str, Any] | None = None,
    categorical: Sequence[str] = (),
    iterations: int = 500,
    seed: int = 0,
    sample_weight: np.ndarray | None = None,
) -> TreeModel:
    """Train boosted trees, stopped early on a tenth of the training rows (never on validation rows).

    Args:
        x: a matrix, structured array, DataFrame or mapping of columns; text columns become categories,
            missing values stay missing.
        y: targets as the nets get them.
        task: what is predicted, or the name of its task.
        outputs: number of classes or outputs; read from ``y`` for None.
        settings: arguments of scikit-learn's ``HistGradientBoosting...``, over its defaults.
        categorical: names of numeric columns that are categories.
        iterations: most boosting iterations.
        seed: of the rows that early stopping looks at, and of feature sampling.
        sample_weight: weight of each row, or None.

    Raises:
        EnsembleError: ``x`` is no table, or targets do not fit the task.
    """
    target = as_target(task)
    targets = as_targets(y, target, outputs)
    encoding = TableEncoding.learn(x, categorical)
    matrix = encoding.encode(x)
    if len(matrix) != len(targets):
        raise EnsembleError(f"y: {len(targets)} rows, but x has {len(matrix)}")
    parts = target.separated(targets)
    few = len(targets) < 200 or (_is_classes(parts[0]) and np.bincount(parts[0]).max() < 20)
    models = []
    for part in parts:
        # early stopping splits by class: every class needs two rows
        rare = _is_classes(part) and np.min(np.bincount(part)[np.unique(part)]) < 2
        stop = {"max_iter": 100, "early_stopping": False} if few or rare else {"max_iter": iterations, **_STOPPING}
        model = _estimator(part)(
            **{**stop, "random_state": seed, "categorical_features": encoding.categorical, **(settings or {})}
        )
        models.append(_plain(model.fit(matrix, part, sample_weight=sample_weight), matrix))
    known = target.count_outputs(targets) if outputs is None else outputs
    return TreeModel(models, encoding, replace(target, outputs=known))


def _is_classes(part: np.ndarray) -> bool:
    return part.dtype.kind == "i"


def _estimator(part: np.ndarray) -> Any:
    """scikit-learn's classifier for class labels, else its regressor."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    if not _is_classes(part):
        return HistGradientBoostingRegressor
    if len(np.unique(part)) < 2:
        raise EnsembleError(f"y: a classifier needs two classes to learn from, got {np.unique(part).tolist()}")
    return HistGradientBoostingClassifier


def _plain(model: Any, matrix: np.ndarray) -> Any:
    """The model without scikit-learn's encoder of categories, where that changes nothing.

    :class:`TableEncoding` gives categories as 0, 1, ... in the first columns, which is what the encoder makes of them;
    it holds functions, and a file that holds functions cannot be loaded without trusting them.
    """
    encoder = getattr(model, "_preprocessor", None)
    if encoder is not None and np.array_equal(encoder.transform(matrix), matrix, equal_nan=True):
        model._preprocessor = None
    return model


def tree_candidates(
    x_train: Any,
    y_train: np.ndarray,
    x_validation: Any,
    y_validation: np.ndarray,
    task: Target | str,
    *,
    outputs: int | None = None,
    count: int = len(SETTINGS),
    categorical: Sequence[str] = (),
    seed: int = 0,
    sample_weight: np.ndarray | None = None,
    seconds: float | None = None,
    data: str | None = None,
) -> list[LibraryModel]:
    """Boosted trees trained on the training rows, as candidates numbered -1, -2, ...

    Args:
        x_train: raw training input.
        y_train: its targets.
        x_validation: raw validation input.
        y_validation: its targets, for the scores.
        task: what is predicted, or the name of its task.
        outputs: number of classes or outputs of the nets.
        count: how many, 1 to 3: see :data:`SETTINGS`.
        categorical: names of numeric columns that are categories.
        seed: of early stopping's rows and of feature sampling.
        sample_weight: weight of each training row, or None.
        seconds: begin no further model after this time; None for no limit.
        data: fingerprint of the data, as for the nets.

    Raises:
        EnsembleError: as :func:`fit_trees`.
    """
    target = as_target(task)
    if not 1 <= count <= len(SETTINGS):
        raise EnsembleError(f"count: expected 1 to {len(SETTINGS)} tree models, got {count!r}")
    started = time.monotonic()
    candidates: list[LibraryModel] = []
    for number, settings in enumerate(SETTINGS[:count]):
        elapsed = time.monotonic() - started
        # the next model takes about as long as those before it
        if seconds is not None and number and elapsed * (number + 1) / number > seconds:
            break
        model = fit_trees(
            x_train,
            y_train,
            target,
            outputs=outputs,
            settings=settings,
            categorical=categorical,
            seed=seed + number,
            sample_weight=sample_weight,
        )
        predictions = model.predict(x_validation)
        scores = evaluate(target, predictions, as_targets(y_validation, target, model.outputs, "y_validation"))
        candidates.append(
            LibraryModel(
                number=-1 - number,
                predictions=predictions,
                scores={f"val_{name}": value for name, value in scores.items()},
                parameters=model.parameters,
                load=lambda model=model: model,  # type: ignore[misc]
                kind="trees",
                data=data,
            )
        )
    return candidates
