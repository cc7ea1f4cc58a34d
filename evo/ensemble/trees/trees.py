"""Gradient-boosted trees beside the nets: candidates for tabular tasks.

scikit-learn's histogram gradient boosting, trained on the same split as the nets and stored by skops,
which rebuilds objects of known types only and runs no code on load (extra ``trees``).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.candidates import Candidate
from evo.ensemble.metrics import as_targets, check_task, evaluate
from evo.ensemble.trees.columns import Columns

#: The one type that skops does not know by itself and that a tree model consists of.
_TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
_FORMAT = "evo.trees"

#: Settings of the candidates, in the order in which they are tried: scikit-learn's own; slower with
#: smaller trees; larger trees on random features.
SETTINGS: tuple[Mapping[str, Any], ...] = (
    {"learning_rate": 0.1, "max_leaf_nodes": 31},
    {"learning_rate": 0.06, "max_leaf_nodes": 15, "l2_regularization": 1.0},
    {"learning_rate": 0.06, "max_leaf_nodes": 63, "max_features": 0.5, "min_samples_leaf": 10},
)


class TreeModel:
    """Boosted trees that predict from raw tabular input as a net does.

    Args:
        models: fitted scikit-learn models, one for all outputs (classifiers of exclusive classes), else
            one per output.
        columns: how the input becomes numbers.
        task: the kind of task.
        outputs: number of outputs.
    """

    def __init__(self, models: Sequence[Any], columns: Columns, task: str, outputs: int) -> None:
        self.models, self.columns, self.task, self.outputs = list(models), columns, task, outputs

    def predict(self, x: Any) -> np.ndarray:
        """Predictions, float32 (rows, outputs); probabilities for classifiers.

        Raises:
            EnsembleError: ``x`` is no table with the columns of the training data.
        """
        matrix = self.columns.encode(x)
        result = np.zeros((len(matrix), self.outputs), dtype=np.float32)
        for output, model in enumerate(self.models):
            if self.task == "regression":
                result[:, output] = model.predict(matrix)
            elif self.task == "multiclass":
                # a class that no training row has gets probability 0
                result[:, model.classes_.astype(int)] = model.predict_proba(matrix)
            else:
                result[:, output] = model.predict_proba(matrix)[:, list(model.classes_).index(1)]
        return result

    @property
    def parameters(self) -> int:
        """Numbers that make up the trees: two per split (feature, threshold), one per leaf."""
        total = 0
        for model in self.models:
            for iteration in model._predictors:
                for tree in iteration:
                    leaves = int(tree.nodes["is_leaf"].sum())
                    total += leaves + 2 * (len(tree.nodes) - leaves)
        return total

    def save(self, path: str | Path) -> None:
        """Write one file by skops.

        Raises:
            EnsembleError: skops is not installed.
        """
        stored = {
            "format": _FORMAT,
            "version": 1,
            "task": self.task,
            "outputs": self.outputs,
            "columns": self.columns.to_json(),
            "models": self.models,
        }
        _skops().dump(stored, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> TreeModel:
        """Read what :meth:`save` wrote; refuses a file that holds any other type.

        Raises:
            EnsembleError: no tree model, a damaged file, or types that could run code.
        """
        skops = _skops()
        path = Path(path)
        try:
            foreign = set(skops.get_untrusted_types(file=path)) - set(_TRUSTED)
            if foreign:
                raise EnsembleError(f"path: {path} holds types that no tree model has: {sorted(foreign)}")
            stored = skops.load(path, trusted=list(_TRUSTED))
            if stored["format"] != _FORMAT:
                raise EnsembleError(f"path: {path} is no tree model")
            columns = Columns.from_json(stored["columns"])
            return cls(stored["models"], columns, stored["task"], stored["outputs"])
        except EnsembleError:
            raise
        except Exception as error:
            raise EnsembleError(f"path: {path} is damaged or no tree model: {type(error).__name__}: {error}") from error


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise EnsembleError(
            "tree models are stored by skops, which is not installed: pip install 'evo-keras[trees]'"
        ) from error
    return skops.io


def fit_trees(
    x: Any,
    y: np.ndarray,
    task: str,
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
        task: the kind of task.
        outputs: number of classes or outputs; read from ``y`` for None.
        settings: arguments of scikit-learn's ``HistGradientBoosting...``, over its defaults.
        categorical: names of numeric columns that are categories.
        iterations: most boosting iterations.
        seed: of the rows that early stopping looks at, and of feature sampling.
        sample_weight: weight of each row, or None.

    Raises:
        EnsembleError: ``x`` is no table, or targets do not fit the task.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    task = check_task(task)
    targets = as_targets(y, task, None if task == "multiclass" else outputs)
    columns = Columns.learn(x, categorical)
    matrix = columns.encode(x)
    if len(matrix) != len(targets):
        raise EnsembleError(f"y: {len(targets)} rows, but x has {len(matrix)}")
    if task == "multiclass":
        outputs = int(targets.max()) + 1 if outputs is None else outputs
        each = [targets]
    else:
        outputs = targets.shape[1]
        each = [targets[:, at] if task == "regression" else targets[:, at].astype(np.int64) for at in range(outputs)]
    estimator = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    small = len(targets) < 200 or (task != "regression" and min(np.bincount(each[0]).max(), len(targets)) < 20)
    # early stopping splits by class: every class needs two rows
    rare = task == "multiclass" and np.min(np.bincount(targets)[np.unique(targets)]) < 2
    models = []
    for output in each:
        if task != "regression" and len(np.unique(output)) < 2:
            raise EnsembleError(f"y: a classifier needs two classes to learn from, got {np.unique(output).tolist()}")
        stop = (
            {"max_iter": 100, "early_stopping": False}
            if small or rare
            else {
                "max_iter": iterations,
                "early_stopping": True,
                "validation_fraction": 0.1,
                "n_iter_no_change": 15,
            }
        )
        model = estimator(
            **{**stop, "random_state": seed, "categorical_features": columns.categorical, **(settings or {})}
        )
        models.append(_plain(model.fit(matrix, output, sample_weight=sample_weight), matrix))
    return TreeModel(models, columns, task, outputs)


def _plain(model: Any, matrix: np.ndarray) -> Any:
    """The model without scikit-learn's encoder of categories, where that changes nothing.

    :class:`Columns` gives categories as 0, 1, ... in the first columns, which is what the encoder makes of them;
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
    task: str,
    *,
    outputs: int | None = None,
    count: int = len(SETTINGS),
    categorical: Sequence[str] = (),
    seed: int = 0,
    sample_weight: np.ndarray | None = None,
    seconds: float | None = None,
    data: str | None = None,
) -> list[Candidate]:
    """Boosted trees trained on the training rows, as candidates numbered -1, -2, ...

    Args:
        x_train: raw training input.
        y_train: its targets.
        x_validation: raw validation input.
        y_validation: its targets, for the scores.
        task: the kind of task.
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
    if not 1 <= count <= len(SETTINGS):
        raise EnsembleError(f"count: expected 1 to {len(SETTINGS)} tree models, got {count!r}")
    started = time.monotonic()
    candidates: list[Candidate] = []
    for number, settings in enumerate(SETTINGS[:count]):
        elapsed = time.monotonic() - started
        # the next model takes about as long as those before it
        if seconds is not None and number and elapsed * (number + 1) / number > seconds:
            break
        model = fit_trees(
            x_train,
            y_train,
            task,
            outputs=outputs,
            settings=settings,
            categorical=categorical,
            seed=seed + number,
            sample_weight=sample_weight,
        )
        predictions = model.predict(x_validation)
        scores = evaluate(task, predictions, as_targets(y_validation, task, model.outputs, "y_validation"))
        candidates.append(
            Candidate(
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
