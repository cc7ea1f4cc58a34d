"""One split or five folds on small tables: ensembles of trees and small nets that take seconds, on made data.

Of the same rows the same models are fitted twice: with a fifth of the rows to judge by, and cross-validated, where
every row judges and the folds' models are averaged. The ensemble is chosen as a campaign's is. Nets are scikit-learn's
multilayer perceptrons, so that the comparison takes minutes; errors are of 1,500 further rows.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genomes.targets import Target

COLUMNS = ("data", "rows", "seed", "what", "error", "seconds")
_TEST = 1500
_RECIPES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("boosting", {}),
    ("extra trees", {"n_estimators": 50}),
    ("random forest", {"n_estimators": 50}),
)
_NETS: tuple[dict[str, Any], ...] = (
    {"hidden_layer_sizes": (32,), "alpha": 1e-2},
    {"hidden_layer_sizes": (64, 64), "alpha": 1e-2},
    {"hidden_layer_sizes": (128,), "alpha": 1e-3},
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``python -m benchmarks folds``."""
    parser.add_argument("--rows", type=int, nargs="+", default=[150, 500, 1500], help="sizes of the tables")
    parser.add_argument("--folds", type=int, default=5, help="folds (default 5)")
    parser.add_argument("--seeds", type=int, default=2, help="number of seeds, from 0 (default 2)")
    parser.add_argument("--output", type=Path, default=Path("benchmark-results/folds.csv"), help="the CSV")


def run(arguments: argparse.Namespace) -> int:
    """Run what is missing, and print the ratios of errors; returns 0."""
    import pandas as pd

    from benchmarks import tidy

    table = tidy.Table(arguments.output, COLUMNS, key=COLUMNS[:4])
    for rows in arguments.rows:
        for name in ("friedman1", "two classes", "four classes"):
            x, y, target = _made(name, rows)
            for seed in range(arguments.seeds):
                for what in ("split", f"{arguments.folds} folds"):
                    key = {"data": name, "rows": rows, "seed": seed, "what": what}
                    if not table.done(**key):
                        began = time.process_time()
                        splits = _splits(y[:rows], target, 1 if what == "split" else arguments.folds, seed)
                        error = _error(x, y, rows, target, splits, seed)
                        table.append([{**key, "error": error, "seconds": time.process_time() - began}])
    frame = pd.read_csv(arguments.output).pivot_table("error", ["data", "rows", "seed"], "what")
    ratio = frame[f"{arguments.folds} folds"] / frame["split"]
    print(frame.assign(ratio=ratio).to_string(float_format="{:.4g}".format))
    print("geometric means:", np.exp(np.log(ratio).groupby(level="rows").mean()).round(3).to_dict())
    return 0


def _made(name: str, rows: int) -> tuple[np.ndarray, np.ndarray, Target]:
    from sklearn import datasets

    count = rows + _TEST
    if name == "friedman1":
        x, y = datasets.make_friedman1(count, noise=1.0, random_state=rows)
        return x, y, Target.infer(outputs=1)
    if name == "two classes":
        x, y = datasets.make_classification(count, 20, n_informative=6, flip_y=0.1, random_state=rows)
        return x, y, Target.infer(classes=2)
    x, y = datasets.make_classification(count, 16, n_informative=8, n_classes=4, class_sep=1.3, random_state=rows + 1)
    return x, y, Target.infer(classes=4)


def _splits(y: np.ndarray, target: Target, folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and validation rows of each fold; of one split with a fifth to judge by."""
    from sklearn import model_selection

    classes = target.gives_probabilities
    if folds == 1:
        chosen = y if classes else None
        parts = model_selection.train_test_split(np.arange(len(y)), test_size=0.2, random_state=seed, stratify=chosen)
        return [(np.asarray(parts[0]), np.asarray(parts[1]))]
    kind = model_selection.StratifiedKFold if classes else model_selection.KFold
    return list(kind(folds, shuffle=True, random_state=seed).split(y, y))


def _error(
    x: np.ndarray,
    y: np.ndarray,
    rows: int,
    target: Target,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    seed: int,
) -> float:
    """Error rate, or root of the mean squared error, of the ensemble on the rows behind the first ``rows``."""
    from evo.ensemble import LibraryModel, build, tree_candidates
    from evo.ensemble.trees import Fold

    judged = np.concatenate([kept for _, kept in splits])
    ends = np.cumsum([len(kept) for _, kept in splits])
    folds = [Fold(train, np.arange(end - len(kept), end)) for (train, kept), end in zip(splits, ends, strict=True)]
    candidates = tree_candidates(
        x[:rows],
        y[:rows],
        x[judged],
        y[judged],
        target,
        outputs=target.outputs,
        recipes=_RECIPES,
        folds=folds,
        seed=seed,
    )
    for number, settings in enumerate(_NETS):
        nets = [_Net(x[train], y[train], target, settings, number) for train, _ in splits]
        predictions = np.concatenate([net.predict(x[kept]) for net, (_, kept) in zip(nets, splits, strict=True)])
        candidates.append(LibraryModel(number, predictions, load=lambda nets=nets: _Mean(nets)))  # type: ignore[misc]
    classes = target.gives_probabilities
    options: dict[str, Any] = {"loss": "calibrated_log_loss", "single_loss": "error"} if classes else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chosen = build(candidates, y[judged], target, 8, rng=np.random.default_rng(seed), **options)
    members = [candidate.load().predict(x[rows:]) for candidate in chosen.candidates if candidate.load is not None]
    pooled = target.pool(members, chosen.weights, chosen.pooling)
    scores = target.evaluate(pooled, target.as_targets(y[rows:]))
    return 1 - scores["accuracy"] if target.gives_probabilities else scores["rmse"]


class _Net:
    """A multilayer perceptron on standardized inputs and targets."""

    def __init__(self, x: np.ndarray, y: np.ndarray, target: Target, settings: dict[str, Any], seed: int) -> None:
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.target = target
        self.mean, self.scale = (0.0, 1.0) if target.gives_probabilities else (float(y.mean()), float(y.std()))
        kind = MLPClassifier if target.gives_probabilities else MLPRegressor
        net = kind(**settings, random_state=seed, max_iter=80, learning_rate_init=3e-3)
        self.model = make_pipeline(StandardScaler(), net)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model.fit(x, y if target.gives_probabilities else (y - self.mean) / self.scale)

    def predict(self, x: np.ndarray) -> np.ndarray:
        if not self.target.gives_probabilities:
            return self.target.as_predictions(self.model.predict(x) * self.scale + self.mean)
        return self.target.as_predictions(self.model.predict_proba(x))


class _Mean:
    def __init__(self, nets: Sequence[_Net]) -> None:
        self.nets = nets

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.mean([net.predict(x) for net in self.nets], axis=0)
