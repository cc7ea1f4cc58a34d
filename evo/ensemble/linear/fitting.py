"""Linear models for the rows that nets learn from: which features, how strong a penalty, in which order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble import library
from evo.ensemble.arguments import as_target, as_targets
from evo.ensemble.fold import Fold
from evo.ensemble.linear.convolutions import SeriesFeatures
from evo.ensemble.linear.features import Features
from evo.ensemble.linear.linear_model import LinearCopy, LinearModel
from evo.ensemble.linear.solving import Weights, logistic_regression, ridge_of_scaled, ridge_regression
from evo.ensemble.linear.text_features import TextFeatures
from genomes.targets import Target

#: Numbers of linear models among candidates begin below those of trees.
_FIRST = -101
#: How far apart those of two recipes begin.
_APART = 10
#: Share of the time left that the models on one kind of features may take, and of all time after which none begins.
_SHARE, _END = 0.5, 0.9
#: Bytes of the texts that are learned of: their n-grams have to fit into memory, some 100 bytes for one of the texts'.
_MOST_BYTES = {"words": 100_000_000, "characters": 20_000_000}


@dataclass(frozen=True, eq=False)
class Recipe:
    """Features, and linear models on them.

    Attributes:
        name: what the models are called.
        learn: makes features of prepared input (and of a seed).
        strengths: of the models on these features: inverse penalties.
        solve: from features, targets of one part, weight of rows, strength, outputs and seconds to coefficients.
        size: of each row of prepared input, a number; None where rows need not be bounded.
        most: sum of the sizes of the rows that are learned of; of more, rows are left out evenly.
    """

    name: str
    learn: Callable[[Any, int], Features]
    strengths: Sequence[float]
    solve: Callable[[Any, np.ndarray, np.ndarray | None, float, int, float | None], Weights]
    size: Callable[[Any], np.ndarray] | None = None
    most: int = 0


def _solve_sparse(
    features: Any, y: np.ndarray, weight: np.ndarray | None, strength: float, outputs: int, seconds: float | None
) -> Weights:
    if y.dtype.kind == "i":
        return logistic_regression(features, y, weight, strength, outputs, seconds)
    return ridge_regression(features, y.reshape(len(y), -1), weight, strength)


def text_recipes(inputs: Sequence[str | None]) -> tuple[Recipe, ...]:
    """What is fitted on texts: one penalty that is usual and one that is weak, as texts differ in it.

    Args:
        inputs: names of the texts in the input; ``(None,)`` where it is texts alone.
    """

    def learn(*units: str) -> Callable[[Any, int], Features]:
        return lambda x, seed: TextFeatures.learn(x, inputs, units)

    def size(x: Any) -> np.ndarray:
        parts = [np.char.str_len(np.asarray(x if name is None else x[name]).reshape(-1)) for name in inputs]
        return np.asarray(np.sum(parts, axis=0))

    def recipe(*units: str, strengths: Sequence[float]) -> Recipe:
        most = min(_MOST_BYTES[unit] for unit in units)
        return Recipe(f"tf-idf of {' and '.join(units)}", learn(*units), strengths, _solve_sparse, size, most)

    return (
        recipe("words", strengths=(3.0, 30.0)),
        recipe("characters", strengths=(3.0, 30.0)),
        recipe("words", "characters", strengths=(10.0,)),
    )


def series_recipes(name: str | None, mask_value: float | None) -> tuple[Recipe, ...]:
    """What is fitted on time series: ridge on random convolutions of the steps, and of their differences.

    Args:
        name: of the series in the input; None where it is the series alone.
        mask_value: see :class:`SeriesFeatures`.
    """

    def learn(differences: bool) -> Callable[[Any, int], Features]:
        return lambda x, seed: SeriesFeatures.learn(x, name, differences, mask_value, seed)

    return (
        Recipe("random convolutions", learn(False), (1.0,), ridge_of_scaled),
        Recipe("random convolutions of differences", learn(True), (1.0,), ridge_of_scaled),
    )


def fit_linear(
    x: Any,
    y: np.ndarray,
    task: Target | str,
    recipe: Recipe,
    *,
    outputs: int | None = None,
    strength: float | None = None,
    sample_weight: np.ndarray | None = None,
    seed: int = 0,
) -> LinearModel:
    """One linear model on all rows given.

    Args:
        x: prepared input.
        y: targets as the nets get them.
        task: what is predicted, or the name of its task.
        recipe: features and solver.
        outputs: number of classes or outputs; read from ``y`` for None.
        strength: inverse penalty; the first of the recipe for None.
        sample_weight: weight of each row, or None.
        seed: of features that are drawn.

    Raises:
        EnsembleError: targets that do not fit, or rows of a single class.
    """
    fitter = _Fitter(y, as_target(task), outputs)
    features = recipe.learn(x, seed)
    power = recipe.strengths[0] if strength is None else strength
    copy = fitter.fit(recipe, features, features.of(x), np.arange(len(y)), sample_weight, power, None)
    return LinearModel([copy], fitter.target, recipe.name)


def linear_candidates(
    recipes: Sequence[Recipe],
    x_train: Any,
    y_train: np.ndarray,
    x_validation: Any,
    y_validation: np.ndarray,
    task: Target | str,
    *,
    outputs: int | None = None,
    folds: Sequence[Fold] = (),
    seed: int = 0,
    sample_weight: np.ndarray | None = None,
    seconds: float | None = None,
    data: str | None = None,
    known: library.ByNumber | None = None,
    keep: library.Keep | None = None,
) -> library.Candidates:
    """Linear models as candidates numbered -101, -102, ..., with their predictions for the rows that are judged by.

    Left out are models that predict exactly what earlier ones do, features of which there are none, and with a warning
    what fails.

    Args:
        recipes: features and penalties, in this order.
        x_train: prepared training input.
        y_train: its targets.
        x_validation: prepared validation input.
        y_validation: its targets, for the scores.
        task: what is predicted, or the name of its task.
        outputs: number of classes or outputs of the nets.
        folds: fit a model for each fold, whose mean is the candidate; each is judged by its own rows.
        seed: of all that is drawn.
        sample_weight: weight of each training row, or None.
        seconds: about how long it may take in all; None for no limit. The first model is fitted in any case.
        data: fingerprint of the data, as for the nets.
        known: candidates of an earlier call with the same arguments, by number, which are not fitted again.
        keep: is given each further candidate as soon as it is there.

    Raises:
        EnsembleError: targets do not fit, or no model could be fitted.
    """
    began = time.monotonic()
    fitter = _Fitter(y_train, as_target(task), outputs)
    targets = as_targets(y_validation, fitter.target, fitter.target.width, "y_validation")
    rows = len(targets)
    if not folds:
        folds = [Fold(np.arange(len(fitter)), np.arange(rows), sample_weight)]
    candidates: library.Candidates = []
    notes: list[str] = []
    for place, recipe in enumerate(recipes):
        number = _FIRST - _APART * place
        again = [known[one] for one in range(number, number - _APART, -1) if one in known] if known else []
        candidates += again
        if again:
            continue
        spent = time.monotonic() - began
        if seconds is not None and candidates and spent >= _END * seconds:
            break
        left = None if seconds is None else _SHARE * max(0.0, seconds - spent)
        try:
            made = _fitted(fitter, recipe, x_train, x_validation, rows, folds, seed, left)
        except EnsembleError:
            raise
        except Exception as error:
            library.warn(f"{recipe.name} left out: {type(error).__name__}: {error}", notes)
            continue
        for offset, (model, predictions) in enumerate(made):
            library.add_beside_nets(
                candidates,
                number - offset,
                model,
                predictions,
                (fitter.target, targets),
                kind="linear",
                data=data,
                keep=keep,
            )
    if not candidates:
        raise EnsembleError(f"linear: no model could be fitted ({notes[-1] if notes else 'nothing to learn from'})")
    return candidates


def _fitted(
    fitter: _Fitter,
    recipe: Recipe,
    x_train: Any,
    x_validation: Any,
    rows: int,
    folds: Sequence[Fold],
    seed: int,
    seconds: float | None,
) -> list[tuple[LinearModel, np.ndarray]]:
    """A model for each strength, and what it predicts for the rows that it is judged by; none without features."""
    began = time.monotonic()
    copies: list[list[LinearCopy]] = [[] for _ in recipe.strengths]
    predictions = [np.zeros((rows, fitter.target.width), np.float32) for _ in recipe.strengths]
    for place, fold in enumerate(folds):
        fewer = recipe_rows(recipe, x_train, fold)
        learned = _taken(x_train, fewer.train)
        features = recipe.learn(learned, seed)
        if features.width == 0:
            return []
        matrix, judged = features.of(learned), features.of(_taken(x_validation, fold.judged))
        for at, strength in enumerate(recipe.strengths):
            share = None
            if seconds is not None:
                models = (len(folds) - place) * len(recipe.strengths) - at
                share = max(0.0, seconds - (time.monotonic() - began)) / models
            copy = fitter.fit(recipe, features, matrix, fewer.train, fewer.weight, strength, share)
            copies[at].append(copy)
            predictions[at][fold.judged] = fitter.target.inverse_link(copy.scores(judged))
    several = len(recipe.strengths) > 1
    return [
        (LinearModel(own, fitter.target, f"{recipe.name}, C={s:g}" if several else recipe.name), predicted)
        for own, s, predicted in zip(copies, recipe.strengths, predictions, strict=True)
    ]


def recipe_rows(recipe: Recipe, x: Any, fold: Fold) -> Fold:
    """The fold with as many rows to learn from as the recipe's bound allows, left out evenly."""
    if recipe.size is None:
        return fold
    total = int(recipe.size(_taken(x, fold.train)).sum())
    step = max(1, -(-total // recipe.most))
    weight = None if fold.weight is None else fold.weight[::step]
    return Fold(fold.train[::step], fold.judged, weight)


class _Fitter:
    """Targets, learned part by part.

    Raises:
        EnsembleError: they do not fit.
    """

    def __init__(self, y: np.ndarray, target: Target, outputs: int | None) -> None:
        targets = as_targets(y, target, outputs)
        self.parts = target.separated(targets)
        self.target = replace(target, outputs=target.count_outputs(targets) if outputs is None else outputs)

    def __len__(self) -> int:
        return len(self.parts[0])

    def fit(
        self,
        recipe: Recipe,
        features: Features,
        matrix: Any,
        rows: np.ndarray,
        weight: np.ndarray | None,
        strength: float,
        seconds: float | None,
    ) -> LinearCopy:
        """Fit one copy on rows whose features are given.

        Raises:
            EnsembleError: rows of a single class.
        """
        parts = [part[rows] for part in self.parts]
        if all(part.dtype.kind != "i" for part in parts):
            found = [recipe.solve(matrix, np.stack(parts, axis=1), weight, strength, len(parts), seconds)]
        else:
            share = None if seconds is None else seconds / len(parts)
            found = []
            for part, columns in zip(parts, self.target.separated_columns(self.target.width), strict=True):
                if part.dtype.kind == "i" and len(np.unique(part)) < 2:
                    raise EnsembleError("y: a classifier needs two classes to learn from")
                wanted = part if part.dtype.kind == "i" else part[:, None]
                found.append(recipe.solve(matrix, wanted, weight, strength, len(columns), share))
        coefficient = np.concatenate([weights.coefficient for weights in found], axis=1)
        return LinearCopy(features, coefficient, np.concatenate([weights.intercept for weights in found]))


def _taken(x: Any, rows: np.ndarray) -> Any:
    return {name: values[rows] for name, values in x.items()} if isinstance(x, Mapping) else x[rows]
