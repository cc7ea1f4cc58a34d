"""scikit-learn's estimators: ``evo.EvoClassifier`` and ``evo.EvoRegressor``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from evo.core.errors import DataError
from evo.fitting.fit import fit
from evo.fitting.fitted import Fitted, load_fitted
from evo.fitting.task import inputs_of
from genomes.errors import GenomeError
from genomes.spaces.base import Space
from genomes.targets import CLASSIFICATION, Multilabel, Regression
from genomes.targets.labels import plain_array, refuse_missing

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted, column_or_1d, validate_data
except ImportError as error:
    raise ImportError(
        f"evo.EvoClassifier and evo.EvoRegressor need scikit-learn 1.6 or newer: pip install -U scikit-learn ({error})"
    ) from error

#: Fewest rows that can be split into rows to train on and rows to judge by.
_LEAST_ROWS = 2


class _EvoEstimator(BaseEstimator):  # type: ignore[misc]
    """What both estimators share: arguments, checks of inputs, and how a fitted model is kept."""

    def __init__(
        self,
        *,
        effort: str = "good",
        minutes: float | None = None,
        trials: int | None = None,
        epochs: int | None = None,
        space: Space | None = None,
        validation: Any = None,
        folds: int | str | None = "auto",
        objective: Any = None,
        members: int | None = None,
        trees: bool | str = "auto",
        linear: bool | str = "auto",
        random_state: Any = None,
        workers: int = 2,
        directory: str | os.PathLike[str] | None = None,
        verbose: bool = False,
    ) -> None:
        self.effort = effort
        self.minutes = minutes
        self.trials = trials
        self.epochs = epochs
        self.space = space
        self.validation = validation
        self.folds = folds
        self.objective = objective
        self.members = members
        self.trees = trees
        self.linear = linear
        self.random_state = random_state
        self.workers = workers
        self.directory = directory
        self.verbose = verbose

    # -- inputs ------------------------------------------------------------------------
    def _inputs(self, x: Any, reset: bool) -> Any:
        """Inputs as :func:`evo.fit` takes them, by scikit-learn's rules; names and number of columns are kept, or held
        against those of the training.

        Raises:
            ValueError, TypeError: what scikit-learn's own estimators raise for such inputs.
        """
        x = inputs_of(x)
        if isinstance(x, Mapping):
            import pandas

            if any(np.ndim(column) != 1 for column in x.values()):
                raise DataError("X: a mapping of arrays of several values per row; evo.fit takes such inputs")
            x = pandas.DataFrame(dict(x))
        if hasattr(x, "columns"):
            validate_data(self, x, reset=reset, skip_check_array=True)
            if not len(x) or not len(x.columns):
                raise DataError(f"X: 0 sample(s) (shape={x.shape}); expected at least one row and one column")
            return x
        if isinstance(x, (list, tuple)) and x and all(isinstance(value, str) for value in x):
            x = np.asarray(x)
        array = x if hasattr(x, "dtype") else None
        if array is not None and np.ndim(array) == 1 and array.dtype.kind in "OUST" and isinstance(array[0], str):
            return validate_data(
                self,
                np.asarray(array).reshape(-1, 1),
                reset=reset,
                dtype=None,
            )[:, 0]
        return validate_data(
            self,
            x,
            reset=reset,
            dtype=None if _holds_words(x) else "numeric",
            allow_nd=True,
            ensure_all_finite="allow-nan",
        )

    def _fitted(self, x: Any, y: Any, sample_weight: Any, task: str, **further: Any) -> Self:
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, x)
        if len(x) < _LEAST_ROWS:
            raise DataError(
                f"X: n_samples={len(x)}; at least {_LEAST_ROWS} rows are needed, one to learn from and one to judge by"
            )
        if self.epochs is not None:
            further["epochs"] = self.epochs
        seed = self.random_state
        if not isinstance(seed, (int, np.integer)):
            seed = check_random_state(seed).randint(2**31)
        with tempfile.TemporaryDirectory(prefix="evo-") as aside:
            found = fit(
                x,
                y,
                directory=Path(aside) / "campaign" if self.directory is None else self.directory,
                effort=self.effort,
                minutes=self.minutes,
                trials=self.trials,
                task=task,
                space=self.space,
                validation=self.validation,
                folds=self.folds,
                sample_weight=sample_weight,
                objective=self.objective,
                members=self.members,
                trees=self.trees,
                linear=self.linear,
                seed=int(seed),
                workers=self.workers,
                verbose=self.verbose,
                **further,
            )
            self._archive = found.save(Path(aside) / "one.ensemble").read_bytes()
        self._model = _opened(self._archive)
        return self

    # -- the fitted model ---------------------------------------------------------------
    @property
    def model_(self) -> Fitted:
        """The fitted model: ``save``, ``export``, ``evaluate``; with a ``directory`` also ``report`` and ``result``."""
        check_is_fitted(self)
        if self.directory is not None and Path(self.directory).is_dir():
            return load_fitted(self.directory)
        return self._model

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_archive")

    def __getstate__(self) -> dict[str, Any]:
        """Parameters and the archive of the model: networks themselves are not pickled."""
        return {name: value for name, value in super().__getstate__().items() if name != "_model"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_archive" in state:
            self._model = _opened(state["_archive"])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.input_tags.three_d_array = True
        tags.target_tags.multi_output = True
        tags.non_deterministic = self.random_state is None
        return tags


class EvoClassifier(ClassifierMixin, _EvoEstimator):  # type: ignore[misc]
    """A classifier of scikit-learn that searches for its networks: :func:`evo.fit` behind ``fit`` and ``predict``.

    It goes where scikit-learn's own go: ``Pipeline``, ``cross_val_score``, ``GridSearchCV``, metadata routing
    (``set_fit_request(sample_weight=True)``), ``clone``, pickle. Inputs may be arrays, sparse matrices, data frames of
    pandas, polars and others with words and gaps in them, pictures (rows, height, width, channels), series (rows,
    steps, channels) and texts (rows,).

    Args:
        effort: see :func:`evo.fit`, as the arguments up to ``linear``.
        minutes: wall-clock minutes of each ``fit``.
        trials: number of trials, in place of minutes or besides; it makes results repeatable.
        epochs: full length of a training, in place of the effort's.
        space: what is searched.
        validation: what is kept of the rows given to ``fit`` to judge candidates by.
        folds: cross-validate every candidate on so many folds instead; ``auto``: on small tables.
        objective: what candidates are chosen by: a name (``roc_auc``, ``f1_macro``, ``neg_mean_absolute_error``) or a
            scorer of scikit-learn, among others.
        members: most members of the ensemble.
        trees: whether trees may join it; ``auto``: on tables.
        linear: whether linear models may join it; ``auto``: on texts and series.
        class_weight: ``"balanced"``, or a weight for each label.
        random_state: seed of split and search; None for another one at each ``fit``.
        workers: worker processes of each ``fit``; 0 trains in this process.
        directory: where the campaign is kept; by default nowhere, and the estimator holds its model itself. A directory
            belongs to one ``fit`` on one data set: leave it out where scikit-learn fits several times.
        verbose: say what is done.

    Attributes:
        classes_: the labels, sorted, (classes,).
        n_features_in_: number of columns.
        feature_names_in_: names of the columns, where all are texts.
        model_: the fitted model (:class:`evo.Fitted`).

    Example:
        >>> from sklearn.model_selection import cross_val_score
        >>> cross_val_score(evo.EvoClassifier(minutes=1), x, y)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        effort: str = "good",
        minutes: float | None = None,
        trials: int | None = None,
        epochs: int | None = None,
        space: Space | None = None,
        validation: Any = None,
        folds: int | str | None = "auto",
        objective: Any = None,
        members: int | None = None,
        trees: bool | str = "auto",
        linear: bool | str = "auto",
        class_weight: Mapping[Any, float] | str | None = None,
        random_state: Any = None,
        workers: int = 2,
        directory: str | os.PathLike[str] | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            effort=effort,
            minutes=minutes,
            trials=trials,
            epochs=epochs,
            space=space,
            validation=validation,
            folds=folds,
            objective=objective,
            members=members,
            trees=trees,
            linear=linear,
            random_state=random_state,
            workers=workers,
            directory=directory,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, time: Any = None) -> Self:
        """Search, train and keep.

        Args:
            X: inputs.
            y: labels, (rows,): words, booleans or whole numbers; or 0 and 1 in a column for each label that may hold.
            sample_weight: a weight for each row, or None.
            groups: what each row belongs to, or None: no group has rows both to train on and to judge by.
            time: when each row was, or None: the latest rows are judged by.

        Raises:
            ValueError: inputs or labels that cannot be used.
        """
        x = self._inputs(X, reset=True)
        y = _targets(self, y, len(x), dtype=None)
        check_classification_targets(y)
        if type_of_target(y, input_name="y").startswith(Multilabel.task):
            self.classes_ = np.arange(y.shape[1])
            return self._fitted(
                x, y, sample_weight, Multilabel.task, class_weight=self.class_weight, groups=groups, time=time
            )
        if y.ndim == 2:
            raise DataError("y: several targets of several classes each; fit one model for each")
        self.classes_, indices = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"y: holds 1 class only, {self.classes_[0]!r}; two or more are needed to learn from")
        weights = None if sample_weight is None else np.asarray(sample_weight)
        if weights is not None and weights.shape == indices.shape and len(np.unique(indices[weights != 0])) == 1:
            raise DataError("sample_weight: the rows of positive weight hold 1 class only; two or more are needed")
        return self._fitted(
            x, y, sample_weight, CLASSIFICATION, class_weight=self.class_weight, groups=groups, time=time
        )

    def predict(self, X: Any) -> np.ndarray:
        """Labels, (rows,); for labels that may hold together 0 and 1, (rows, labels)."""
        check_is_fitted(self)
        told = self._model.predict(self._inputs(X, reset=False))
        if told.ndim == 2:
            return told
        known = np.asarray(self._model.classes)
        order = np.argsort(known, kind="stable")
        return self.classes_[np.searchsorted(known, told, sorter=order)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities, float64 (rows, classes), in the order of ``classes_``; or of each label, (rows, labels)."""
        check_is_fitted(self)
        outputs = np.asarray(self._model.predict_proba(self._inputs(X, reset=False)), np.float64)
        return outputs if isinstance(self._model.target, Multilabel) else outputs / outputs.sum(axis=1, keepdims=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = False
        return tags


class EvoRegressor(RegressorMixin, _EvoEstimator):  # type: ignore[misc]
    """A regressor of scikit-learn that searches for its networks; see :class:`EvoClassifier`.

    Args:
        effort: see :class:`EvoClassifier`, as all others.
        minutes: see there.
        trials: see there.
        epochs: see there.
        space: see there.
        validation: see there.
        folds: see there.
        objective: see there.
        members: see there.
        trees: see there.
        linear: see there.
        random_state: see there.
        workers: see there.
        directory: see there.
        verbose: see there.

    Attributes:
        n_features_in_: number of columns.
        feature_names_in_: names of the columns, where all are texts.
        model_: the fitted model (:class:`evo.Fitted`).
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, time: Any = None) -> Self:
        """Search, train and keep.

        Args:
            X: inputs.
            y: numbers, (rows,), or (rows, outputs) for several.
            sample_weight: a weight for each row, or None.
            groups: what each row belongs to, or None: no group has rows both to train on and to judge by.
            time: when each row was, or None: the latest rows are judged by.

        Raises:
            ValueError: inputs or numbers that cannot be used.
        """
        x = self._inputs(X, reset=True)
        y = _targets(self, y, len(x), dtype="numeric")
        return self._fitted(x, y.astype(np.float64), sample_weight, Regression.task, groups=groups, time=time)

    def predict(self, X: Any) -> np.ndarray:
        """Numbers, float64 (rows,), or (rows, outputs) for several."""
        check_is_fitted(self)
        return np.asarray(self._model.predict(self._inputs(X, reset=False)), np.float64)


def _holds_words(x: Any) -> bool:
    """Whether an array, or a list of rows, holds texts among its values."""
    if hasattr(x, "tocsr"):
        return False
    array = np.asarray(x) if hasattr(x, "dtype") else np.asarray(x, dtype=object)
    if array.dtype.kind in "US":
        return True
    return array.dtype.kind == "O" and any(isinstance(value, str) for value in array.ravel())


def _targets(estimator: BaseEstimator, y: Any, rows: int, dtype: Any) -> np.ndarray:
    """Targets by scikit-learn's rules: one per row, none missing."""
    if y is None:
        raise DataError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    if hasattr(y, "dtype") and not isinstance(y.dtype, np.dtype):  # pandas' own types are no floats
        plain = plain_array(y)
        y = plain if plain.dtype.kind != "O" else y
    if isinstance(y, (list, tuple)) or getattr(getattr(y, "dtype", None), "kind", "") == "O":
        try:
            refuse_missing(np.asarray(y, dtype=object), "y")
        except GenomeError as error:
            raise DataError(str(error)) from None
    if np.asarray(y).dtype.kind in "mM":
        raise DataError("y: holds dates or times, which are no target; make numbers of them: days since the first, say")
    array = check_array(
        y, ensure_2d=False, dtype=dtype, input_name="y", ensure_all_finite=True, estimator=estimator, allow_nd=False
    )
    if array.ndim == 2 and array.shape[1] == 1:
        array = column_or_1d(array, warn=True)
    if len(array) != rows:
        raise DataError(f"y: {len(array)} targets, but X has {rows} rows: inconsistent numbers of samples")
    return array


def _opened(archive: bytes) -> Fitted:
    with tempfile.TemporaryDirectory(prefix="evo-") as aside:
        path = Path(aside) / "one.ensemble"
        path.write_bytes(archive)
        return load_fitted(path)


__all__ = ["EvoClassifier", "EvoRegressor"]
