"""Trees and nets on tables: what evo.fit gives, and what LightGBM and CatBoost give by themselves on the same rows.

evo.fit has its minutes in all, trees among them. The libraries have early stopping on the same validation rows, a
learning rate of .05 (LightGBM) and their defaults else; categories as they take them. Everything is judged once, on
test rows.
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
    """Arguments of ``python -m benchmarks trees``."""
    parser.add_argument("--task", action="append", help="a table; california-housing and adult by default")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds, from 1 (default 1)")
    parser.add_argument("--minutes", type=float, default=4, help="of evo.fit (default 4)")
    parser.add_argument("--data", type=Path, default=None, help="data folder; else the variable EVO_DATA")
    parser.add_argument("--output", type=Path, default=Path("benchmark-results/trees.csv"), help="the CSV")


def run(arguments: argparse.Namespace) -> int:
    """Run what is missing, and print each task's errors; returns 0."""
    from benchmarks import tasks, tidy

    table = tidy.Table(arguments.output, COLUMNS, key=COLUMNS[:4])
    for seed in range(1, arguments.seeds + 1):
        for name in arguments.task or ["california-housing", "adult"]:
            task = tasks.load(name, arguments.data, None, seed)
            key = {"task": name, "seed": seed, "minutes": arguments.minutes}
            for library in (_lightgbm, _catboost):
                row = {**key, "what": library.__name__.strip("_")}
                if not table.done(**row):
                    began = time.monotonic()
                    error = task.error(task.y_test, library(task, seed))
                    table.append([{**row, "error": error, "seconds": time.monotonic() - began, "members": 1}])
            if not table.done(**key, what="evo.fit"):
                table.append([{**key, **row} for row in _fitted(task, seed, arguments.minutes)])
    import pandas as pd

    print(pd.read_csv(arguments.output).to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    return 0


def _fitted(task: Any, seed: int, minutes: float) -> Iterator[dict[str, Any]]:
    import evo

    data = evo.Data(task.x_train, task.y_train, validation=(task.x_validation, task.y_validation))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.monotonic()
        fitted = evo.fit(data, directory=Path(folder) / "c", minutes=minutes, seed=seed, verbose=False)
        seconds = time.monotonic() - began
        products = {
            "best net": fitted.result.ensemble(size=1, method="best", trees=False),
            "nets": fitted.result.ensemble(trees=False),
            "evo.fit": fitted.ensemble,
        }
        for candidate in fitted.result.companions:
            assert candidate.load is not None
            trees = candidate.load()
            predictions = trees.predict(fitted.space.prepare(task.x_test))
            yield {"what": f"{candidate.number} {trees.name}", "error": _error(task, predictions), "members": 1}
        for what, ensemble in products.items():
            weights = "; ".join(f"{member.title} {member.weight:.2f}" for member in ensemble.members)
            error = _error(task, ensemble.outputs(task.x_test))
            yield {"what": what, "error": error, "seconds": seconds, "members": weights}


def _error(task: Any, predictions: np.ndarray) -> float:
    return float(task.error(task.y_test, predictions))


def _frame(task: Any, role: str) -> Any:
    """Columns as pandas has them, words as categories known from the training rows."""
    import pandas as pd

    frame = pd.DataFrame(getattr(task, f"x_{role}"))
    for name in frame.columns:
        if frame[name].dtype.kind not in "biuf":
            known = sorted(set(np.asarray(task.x_train[name]).astype(str)))
            frame[name] = pd.Categorical(frame[name].astype(str), categories=known)
    return frame


def _lightgbm(task: Any, seed: int) -> np.ndarray:
    import lightgbm

    kind = lightgbm.LGBMRegressor if task.target == "regression" else lightgbm.LGBMClassifier
    model = kind(n_estimators=5000, learning_rate=0.05, random_state=seed, verbose=-1)
    stop = [lightgbm.early_stopping(100, verbose=False)]
    kept = [(_frame(task, "validation"), task.y_validation)]
    model.fit(_frame(task, "train"), task.y_train, eval_set=kept, callbacks=stop)
    return np.asarray(getattr(model, "predict_proba", model.predict)(_frame(task, "test")))


def _catboost(task: Any, seed: int) -> np.ndarray:
    import catboost

    frames = {role: _frame(task, role) for role in ("train", "validation", "test")}
    words = [name for name, dtype in frames["train"].dtypes.items() if dtype == "category"]
    for frame in frames.values():
        for name in words:
            frame[name] = frame[name].astype(object).where(frame[name].notna(), "")
    kind = catboost.CatBoostRegressor if task.target == "regression" else catboost.CatBoostClassifier
    model = kind(iterations=5000, random_seed=seed, verbose=False, allow_writing_files=False, cat_features=words)
    kept = (frames["validation"], task.y_validation)
    model.fit(frames["train"], task.y_train, eval_set=kept, early_stopping_rounds=100)
    return np.asarray(getattr(model, "predict_proba", model.predict)(frames["test"]))
