"""What each part of the product contributes: nets, trees, linear models, folds; same rows, same minutes.

One call of evo.fit a task and seed; of what it fitted an ensemble is formed of each part alone and of all, and judged
once on test rows, beside the simple method that somebody would take first: tf-idf with logistic regression on texts,
MiniROCKET's features with ridge on series, both fitted on training and validation rows. Tables small enough for folds
run a second time with them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

COLUMNS = ("task", "seed", "minutes", "what", "error", "seconds", "members")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``python -m benchmarks parts``."""
    parser.add_argument("--task", action="append", help="a task; sms-spam and japanese-vowels by default")
    parser.add_argument("--seeds", type=int, default=2, help="number of seeds, from 1 (default 2)")
    parser.add_argument("--minutes", type=float, default=3, help="of evo.fit (default 3)")
    parser.add_argument("--data", type=Path, default=None, help="data folder; else the variable EVO_DATA")
    parser.add_argument("--output", type=Path, default=Path("benchmark-results/parts.csv"), help="the CSV")


def run(arguments: argparse.Namespace) -> int:
    """Run what is missing, and print each task's errors; returns 0."""
    from benchmarks import tasks, tidy

    table = tidy.Table(arguments.output, COLUMNS, key=COLUMNS[:4])
    for seed in range(1, arguments.seeds + 1):
        for name in arguments.task or ["sms-spam", "japanese-vowels"]:
            task = tasks.load(name, arguments.data, None, seed)
            key = {"task": name, "seed": seed, "minutes": arguments.minutes}
            if task.kind in _SIMPLE and not table.done(**key, what=_SIMPLE[task.kind].__name__.strip("_")):
                began = time.monotonic()
                error = task.error(task.y_test, _SIMPLE[task.kind](task))
                what = _SIMPLE[task.kind].__name__.strip("_")
                table.append([{**key, "what": what, "error": error, "seconds": time.monotonic() - began}])
            if not table.done(**key, what="evo.fit"):
                table.append([{**key, **row} for row in _fitted(task, seed, arguments.minutes)])
            small = task.kind == "tabular" and len(task.y_train) + len(task.y_validation) <= 1000
            if small and not table.done(**key, what="evo.fit, folds"):
                rows = [{**key, **row} for row in _fitted(task, seed, arguments.minutes, folds=True)]
                table.append([{**row, "what": f"{row['what']}, folds"} for row in rows])
    import pandas as pd

    print(pd.read_csv(arguments.output).to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    return 0


def _fitted(task: Any, seed: int, minutes: float, folds: bool = False) -> Iterator[dict[str, Any]]:
    import evo

    if folds:
        x, y = _all_rows(task)
        given: tuple[Any, ...] = (x, y)
    else:
        given = (evo.Data(task.x_train, task.y_train, validation=(task.x_validation, task.y_validation)),)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.monotonic()
        wanted = None if not folds else "regression" if task.target == "regression" else "classification"
        place = Path(folder) / "c"
        fitted = evo.fit(*given, directory=place, minutes=minutes, seed=seed, verbose=False, task=wanted)
        seconds = time.monotonic() - began
        result, nets = fitted.result, {"trees": False, "linear": False}
        products = {}
        if result.history.completed():
            products = {"best net": result.ensemble(size=1, method="best", **nets), "nets": result.ensemble(**nets)}
        for candidate in result.companions:
            assert candidate.load is not None
            model = candidate.load()
            predictions = model.predict(fitted.space.prepare(task.x_test))
            yield {"what": f"{candidate.number} {model.name}", "error": _error(task, predictions), "members": 1}
        for what, ensemble in {**products, "evo.fit": fitted.ensemble}.items():
            weights = "; ".join(f"{member.title} {member.weight:.2f}" for member in ensemble.members)
            error = _error(task, ensemble.outputs(task.x_test))
            yield {"what": what, "error": error, "seconds": seconds, "members": weights}


def _error(task: Any, predictions: np.ndarray) -> float:
    return float(task.error(task.y_test, predictions))


def _all_rows(task: Any) -> tuple[Any, np.ndarray]:
    """Training and validation rows together."""
    y = np.concatenate([task.y_train, task.y_validation])
    if isinstance(task.x_train, dict):
        return {name: np.concatenate([task.x_train[name], task.x_validation[name]]) for name in task.x_train}, y
    return np.concatenate([task.x_train, task.x_validation]), y


def _tfidf_logistic_regression(task: Any) -> np.ndarray:
    """Scikit-learn's defaults, and one and two words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    x, y = _all_rows(task)
    texts = [str(text) for text in x]
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10))
    probabilities = model.fit(texts, y).predict_proba([str(text) for text in task.x_test])
    return np.asarray(probabilities[:, 1] if task.target == "binary" else probabilities)


def _rocket_ridge(task: Any) -> np.ndarray:
    """MiniROCKET's features as evo has them, with scikit-learn's ridge and its scaling."""
    from sklearn.linear_model import RidgeClassifierCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from evo.ensemble.linear.convolutions import SeriesFeatures

    x, y = _all_rows(task)
    space = task.space()
    prepared, test = space.prepare(x), space.prepare(task.x_test)
    features = SeriesFeatures.learn(prepared, None, False, space.mask_value, seed=0)
    model = make_pipeline(StandardScaler(), RidgeClassifierCV(alphas=np.logspace(-3, 3, 10)))
    found = model.fit(features.of(prepared), y).predict(features.of(test))
    return np.asarray(np.eye(task.outputs)[found])


_SIMPLE = {"text": _tfidf_logistic_regression, "timeseries": _rocket_ridge}
