"""Scores by name: what scikit-learn computes of predictions, and which way is better."""

from __future__ import annotations

import difflib
import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from evo.core.errors import SettingsError
from genomes.targets import Multilabel, Target

#: Score of targets and predictions in the form of :class:`Judged`.
_Function = Callable[["Judged"], float]
#: The loss of one quantile: ``pinball_0.9``.
_QUANTILE = re.compile(r"(?:pinball|quantile)(?:_loss)?_(0?\.\d+)")

#: Forms of predictions, which scikit-learn's metrics tell apart.
_TWO_CLASSES, _CLASSES, _LABELS, _NUMBERS = "two classes", "several classes", "several labels", "numbers"
#: Targets of different kinds, for which no score is defined.
_SEVERAL = "several targets"


@dataclass(frozen=True)
class Judged:
    """Predictions and what is true, as scikit-learn's metrics take them.

    Attributes:
        target: what is predicted.
        true: class indices (rows,); 0 or 1 (rows, labels); or numbers, (rows,) or (rows, outputs).
        told: what is predicted, in the same form.
        probabilities: float64 (rows, classes) or (rows, labels); None for numbers.
        weight: of each row, or None.
    """

    target: Target
    true: np.ndarray
    told: np.ndarray
    probabilities: np.ndarray | None
    weight: np.ndarray | None

    @property
    def kind(self) -> str:
        """``two classes``, ``several classes``, ``several labels`` or ``numbers``, by the form of the predictions."""
        if self.probabilities is None:
            return _NUMBERS
        if isinstance(self.target, Multilabel):
            return _LABELS
        return _TWO_CLASSES if self.probabilities.shape[1] == 2 else _CLASSES

    @property
    def positive(self) -> np.ndarray:
        """Probabilities of the second of two classes; else of all."""
        assert self.probabilities is not None
        return self.probabilities[:, 1] if self.kind == _TWO_CLASSES else self.probabilities


@dataclass(frozen=True)
class Score:
    """A score of predictions.

    Attributes:
        name: what it is called.
        greater: whether more is better.
        function: computes it; NaN, or a ``ValueError``, where it is not defined.
        kinds: of targets that it is defined for.
    """

    name: str
    greater: bool
    function: _Function
    kinds: tuple[str, ...]

    @property
    def objective(self) -> str:
        """Name of the objective: ``val_auc``, ``-val_rmse``."""
        return f"val_{self.name}" if self.greater else f"-val_{self.name}"

    def __call__(
        self, target: Target, predictions: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """The score.

        Args:
            target: what is predicted.
            predictions: (rows, outputs), probabilities for classifiers.
            targets: as :func:`evo.ensemble.arguments.as_targets` returns them.
            weight: of each row, or None.

        Raises:
            ValueError: it is not defined for these rows; says why.
        """
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            value = float(self.function(judged(target, predictions, targets, weight)))
        if not math.isfinite(value):
            why = next((str(w.message) for w in told if "Undefined" in w.category.__name__), "it is not a number")
            raise ValueError(" ".join(why.split()))
        return value


def judged(target: Target, predictions: np.ndarray, targets: np.ndarray, weight: np.ndarray | None) -> Judged:
    """Predictions and targets as scikit-learn's metrics take them; arguments as of :class:`Score`."""
    predictions = np.asarray(predictions, np.float64)
    if not target.gives_probabilities:
        true = np.asarray(targets, np.float64)
        numbers = target.numbers(predictions)
        if numbers is None:
            raise ValueError("scores judge one target")
        predictions = numbers
        if predictions.shape[1] == 1:
            return Judged(target, true.reshape(-1), predictions[:, 0], None, weight)
        return Judged(target, true, predictions, None, weight)
    probabilities = np.asarray(target.probabilities(predictions), np.float64)
    told = np.asarray(target.unlabelled.decode(predictions))
    if isinstance(target, Multilabel):
        return Judged(target, np.asarray(targets).astype(np.int64), told, probabilities, weight)
    total = probabilities.sum(axis=1, keepdims=True)
    true = np.asarray(targets).reshape(-1).astype(np.int64)
    return Judged(target, true, told.astype(np.int64), probabilities / np.where(total > 0, total, 1.0), weight)


# -- by name ------------------------------------------------------------------------------
def _metric(name: str, **options: Any) -> _Function:
    """A metric of scikit-learn of what is predicted."""

    def function(j: Judged) -> float:
        from sklearn import metrics

        return float(getattr(metrics, name)(j.true, j.told, sample_weight=j.weight, **options))

    return function


def _auc(j: Judged) -> float:
    from sklearn.metrics import roc_auc_score

    if j.kind != _CLASSES:
        return float(roc_auc_score(j.true, j.positive, sample_weight=j.weight))
    classes = np.arange(j.positive.shape[1])
    return float(roc_auc_score(j.true, j.positive, multi_class="ovr", labels=classes, sample_weight=j.weight))


def _average_precision(j: Judged) -> float:
    from sklearn.metrics import average_precision_score

    true = np.eye(j.positive.shape[1], dtype=np.int64)[j.true] if j.kind == _CLASSES else j.true
    return float(average_precision_score(true, j.positive, sample_weight=j.weight))


def _log_loss(j: Judged) -> float:
    from sklearn.metrics import log_loss

    assert j.probabilities is not None
    if j.kind == _LABELS:
        columns = zip(j.true.T, j.probabilities.T, strict=True)
        return float(np.mean([log_loss(t, p, sample_weight=j.weight, labels=[0, 1]) for t, p in columns]))
    classes = np.arange(j.probabilities.shape[1])
    return float(log_loss(j.true, j.probabilities, sample_weight=j.weight, labels=classes))


def _brier(j: Judged) -> float:
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(j.true, j.positive, sample_weight=j.weight, labels=[0, 1]))


_OF_CLASSES, _OF_ANY_CLASSES = (_TWO_CLASSES, _CLASSES), (_TWO_CLASSES, _CLASSES, _LABELS)
_OF_NUMBERS = (_NUMBERS,)
_AVERAGED = [
    Score(f"{name}_{average}", True, _metric(f"{name}_score", average=average, zero_division=0), _OF_ANY_CLASSES)
    for name in ("f1", "precision", "recall")
    for average in ("macro", "micro", "weighted")
]
_SCORES = {
    score.name: score
    for score in (
        Score("accuracy", True, _metric("accuracy_score"), _OF_ANY_CLASSES),
        Score("auc", True, _auc, _OF_ANY_CLASSES),
        Score("average_precision", True, _average_precision, _OF_ANY_CLASSES),
        Score("balanced_accuracy", True, _metric("balanced_accuracy_score"), _OF_CLASSES),
        *(
            Score(name, True, _metric(f"{name}_score", zero_division=0), (_TWO_CLASSES,))
            for name in ("f1", "precision", "recall")
        ),
        *_AVERAGED,
        Score("mcc", True, _metric("matthews_corrcoef"), _OF_CLASSES),
        Score("cohen_kappa", True, _metric("cohen_kappa_score"), _OF_CLASSES),
        Score("log_loss", False, _log_loss, _OF_ANY_CLASSES),
        Score("brier", False, _brier, (_TWO_CLASSES,)),
        Score("rmse", False, _metric("root_mean_squared_error"), _OF_NUMBERS),
        Score("mse", False, _metric("mean_squared_error"), _OF_NUMBERS),
        Score("mae", False, _metric("mean_absolute_error"), _OF_NUMBERS),
        Score("mape", False, _metric("mean_absolute_percentage_error"), _OF_NUMBERS),
        Score("median_absolute_error", False, _metric("median_absolute_error"), _OF_NUMBERS),
        Score("r2", True, _metric("r2_score"), _OF_NUMBERS),
    )
}
#: Other names of the same.
_SYNONYMS = {
    "roc_auc": "auc",
    "ap": "average_precision",
    "average_precision_score": "average_precision",
    "matthews_corrcoef": "mcc",
    "root_mean_squared_error": "rmse",
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "brier_score": "brier",
}


def names() -> tuple[str, ...]:
    """Names of the scores, without those that scikit-learn's scorers have besides; ``pinball_0.9`` for any quantile."""
    return (*_SCORES, "pinball_0.9")


def score_named(name: str) -> Score | None:
    """The score of a name, of :func:`names` or of ``sklearn.metrics.get_scorer_names()``; None if there is none."""
    name = name.removeprefix("neg_")
    name = _SYNONYMS.get(name, name)
    if name in _SCORES:
        return _SCORES[name]
    quantile = _QUANTILE.fullmatch(name)
    if quantile:
        level = float(quantile[1])
        return Score(f"pinball_{level:g}", False, _metric("mean_pinball_loss", alpha=level), _OF_NUMBERS)
    from sklearn.metrics import get_scorer, get_scorer_names

    for known in (name, f"neg_{name}"):
        if known in get_scorer_names():
            return score_of_scorer(get_scorer(known), name)
    return None


def is_scorer(given: Any) -> bool:
    """Whether something is a scorer as ``sklearn.metrics.make_scorer`` makes them."""
    return callable(given) and hasattr(given, "_score_func") and hasattr(given, "_sign")


def score_of_scorer(scorer: Any, name: str | None = None) -> Score:
    """A scorer of scikit-learn as a score in its natural sign.

    Args:
        scorer: what ``make_scorer`` or ``get_scorer`` returned.
        name: what it is called; by default the name of its function with its arguments.
    """
    if name is None:
        options = ", ".join(f"{key}={value!r}" for key, value in sorted(scorer._kwargs.items()))
        function = getattr(scorer._score_func, "__name__", type(scorer._score_func).__name__)
        name = f"{function}({options})" if options else str(function)
    sign = int(scorer._sign)

    def function_of(j: Judged) -> float:
        options = {} if j.weight is None else {"sample_weight": j.weight}
        estimator = _Told(j) if j.probabilities is None else _ToldClasses(j)
        rows = np.arange(len(j.true)).reshape(-1, 1)
        return sign * float(scorer(estimator, rows, _as_given(j, j.true), **options))

    return Score(name, sign > 0, function_of, (*_OF_ANY_CLASSES, *_OF_NUMBERS))


def _as_given(j: Judged, values: np.ndarray) -> np.ndarray:
    """Class indices as the user's labels; anything else as it is."""
    return values if j.probabilities is None or j.kind == _LABELS else np.asarray(j.target.labels_at(values))


class _Told:
    """Stands for the estimator that scorers ask: it answers with what was predicted."""

    def __init__(self, judged: Judged) -> None:
        self._judged = judged

    def fit(self, x: Any, y: Any) -> Any:
        """Is not asked for."""
        raise NotImplementedError

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import RegressorTags, Tags, TargetTags

        return Tags("regressor", TargetTags(required=True), regressor_tags=RegressorTags())

    def predict(self, x: Any) -> np.ndarray:
        """What was predicted."""
        return _as_given(self._judged, self._judged.told)


class _ToldClasses(_Told):
    """Likewise, of a classifier."""

    def __init__(self, judged: Judged) -> None:
        super().__init__(judged)
        assert judged.probabilities is not None
        number = judged.probabilities.shape[1]
        several = [np.array([0, 1])] * number
        self.classes_: Any = several if judged.kind == _LABELS else _as_given(judged, np.arange(number))

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, Tags, TargetTags

        return Tags("classifier", TargetTags(required=True), classifier_tags=ClassifierTags())

    def predict_proba(self, x: Any) -> Any:
        """Probabilities of the classes."""
        return self._judged.probabilities


def score_of(given: Any, target: Target | None = None, argument: str = "metrics") -> Score:
    """The score that a user means.

    Args:
        given: a name, or a scorer of scikit-learn.
        target: what is predicted, to see whether the score is defined for it; None if not known.
        argument: the argument's name, for messages.

    Raises:
        SettingsError: no such score, with near matches; or one that is of no use for the target.
    """
    score = score_of_scorer(given) if is_scorer(given) else score_named(given) if isinstance(given, str) else None
    if score is None:
        if not isinstance(given, str):
            raise SettingsError(f"{argument}: expected a metric's name or a scorer of scikit-learn, got {given!r}")
        raise SettingsError(f"{argument}: there is no metric {given!r}.{near(given)} There are {', '.join(names())}")
    if target is not None:
        check_kind(score, target, argument)
    return score


def near(name: str) -> str:
    """A hint at the names that are nearest to an unknown one; empty if none is near."""
    from sklearn.metrics import get_scorer_names

    known = dict.fromkeys([*names(), *_SYNONYMS, *get_scorer_names()])
    found = difflib.get_close_matches(name, list(known), 3)
    return f" Did you mean {' or '.join(repr(other) for other in found)}?" if found else ""


def is_defined(score: Score, target: Target) -> bool:
    """Whether a score is defined for what is predicted."""
    return kind_of(target) in score.kinds


def check_kind(score: Score, target: Target, argument: str) -> None:
    """Refuse a score that is not defined for what is predicted.

    Raises:
        SettingsError: says which are.
    """
    if is_defined(score, target):
        return
    kind = kind_of(target)
    fitting = [other.name for other in _SCORES.values() if kind in other.kinds]
    macro = f"{score.name}_macro"
    hint = f"{macro!r} is its mean over the classes" if macro in fitting else f"there are {', '.join(fitting)}"
    if kind == _SEVERAL:
        hint = "each target has scores of its own: 'val_price_rmse' for a target 'price'"
    *others, last = score.kinds
    wanted = f"{', '.join(others)} or {last}" if others else last
    raise SettingsError(f"{argument}: {score.name!r} is of {wanted}, not of {kind}; {hint}")


def kind_of(target: Target) -> str:
    """As :attr:`Judged.kind`; ``several targets`` where these are of different kinds."""
    if not target.gives_probabilities:
        return _SEVERAL if target.numbers(np.zeros((1, target.width), np.float32)) is None else _NUMBERS
    if isinstance(target, Multilabel):
        return _LABELS
    columns = target.probabilities(np.full((1, target.width), 0.5, np.float32)).shape[1]
    return _TWO_CLASSES if columns == 2 else _CLASSES
