"""Pools of trained models to choose ensemble defaults on; none of them from a task that is judged.

Each pool imitates the end of a campaign: multi-layer perceptrons of random
settings, some of them at several lengths of training, and the best of them
bred on; their predictions on validation and on test rows.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import task_sources


@dataclass(frozen=True)
class Pool:
    """Predictions of many models of one task.

    Attributes:
        name: the task.
        task: ``binary``, ``multiclass`` or ``regression``.
        validation: float32 (models, rows, outputs).
        y_validation: its targets.
        test: float32 (models, rows, outputs).
        y_test: its targets.
    """

    name: str
    task: str
    validation: np.ndarray
    y_validation: np.ndarray
    test: np.ndarray
    y_test: np.ndarray


def _friedman(folder: Path | None) -> task_sources.Source:
    from sklearn.datasets import make_friedman1

    x, y = make_friedman1(2500, n_features=10, noise=2.0, random_state=0)
    return task_sources.with_test_rows("tabular", "regression", 1, x.astype(np.float32), y)


def _friedman_3(folder: Path | None) -> task_sources.Source:
    from sklearn.datasets import make_friedman3

    x, y = make_friedman3(2500, noise=0.1, random_state=0)
    return task_sources.with_test_rows("tabular", "regression", 1, x.astype(np.float32), y)


def _clusters(folder: Path | None) -> task_sources.Source:
    from sklearn.datasets import make_classification

    x, y = make_classification(
        4000, 20, n_informative=10, n_classes=6, n_clusters_per_class=2, flip_y=0.05, random_state=0
    )
    return task_sources.with_test_rows("tabular", "multiclass", 6, x.astype(np.float32), y.astype(np.int64))


def _noisy(folder: Path | None) -> task_sources.Source:
    from sklearn.datasets import make_classification

    x, y = make_classification(5000, 15, n_informative=6, flip_y=0.2, random_state=1)
    return task_sources.with_test_rows("tabular", "binary", 2, x.astype(np.float32), y.astype(np.int64))


#: Tuning tasks: the rows used per seed (training and validation), and where they come from. Of digits only the
#: rows that a judged campaign may train on are read; its test rows are never seen.
SOURCES: Mapping[str, tuple[int, Callable[[Path | None], task_sources.Source]]] = {
    "digits (training rows)": (1000, task_sources.NAMED["digits"]),
    "mnist": (5000, task_sources.NAMED["mnist"]),
    "japanese-vowels": (270, task_sources.NAMED["japanese-vowels"]),
    "breast-cancer": (455, task_sources.NAMED["breast-cancer"]),
    "clusters": (3000, _clusters),
    "noisy": (3000, _noisy),
    "diabetes": (353, task_sources.NAMED["diabetes"]),
    "friedman-1": (2000, _friedman),
    "friedman-3": (2000, _friedman_3),
}


def make_pool(name: str, seed: int, folder: Path | None, models: int = 36) -> Pool:
    """Train the models of one pool.

    Args:
        name: a key of :data:`SOURCES`.
        seed: draws the rows and the models.
        folder: the data folder, where the source needs one.
        models: models trained; some of them leave several snapshots.
    """
    from sklearn.preprocessing import StandardScaler

    size, read = SOURCES[name]
    source = read(folder)
    rng = np.random.default_rng([seed, *name.encode()])
    x, y = np.nan_to_num(np.asarray(source.x)).reshape(len(source.y), -1), source.y
    if name.startswith("digits"):
        # the test part is cut from the training rows
        order = rng.permutation(len(y))
        used, tested = order[:size], order[size:]
        x_test, y_test = x[tested], y[tested]
    else:
        used = rng.permutation(len(y))[:size]
        x_test, y_test = np.nan_to_num(np.asarray(source.x_test)).reshape(len(source.y_test), -1), source.y_test
    cut = int(0.8 * len(used))
    train, kept = used[:cut], used[cut:]
    scaler = StandardScaler().fit(x[train])
    parts = [np.clip(scaler.transform(part), -8, 8) for part in (x[train], x[kept], x_test)]
    targets = y[train]
    if source.target == "regression":
        center, spread = targets.mean(), targets.std()
        targets, y_kept, y_test = ((part - center) / spread for part in (targets, y[kept], y_test))
    else:
        y_kept = y[kept]
    validation, test = _campaign(parts, targets, y_kept, source.target, rng, models)
    return Pool(name, source.target, validation, y_kept, test, y_test)


def _campaign(
    parts: list[np.ndarray], targets: np.ndarray, y_kept: np.ndarray, task: str, rng: np.random.Generator, models: int
) -> tuple[np.ndarray, np.ndarray]:
    """Random settings first, then small changes of the best by validation loss, as a search does."""
    from evo.ensemble.arguments import as_target, as_targets
    from evo.ensemble.metrics import row_losses

    truth = as_targets(y_kept, task)
    known: list[tuple[float, dict[str, float]]] = []
    validation: list[np.ndarray] = []
    test: list[np.ndarray] = []
    for number in range(models):
        if number < models // 3 or rng.random() < 0.1:
            settings = _random_settings(rng)
        else:
            best = sorted(known, key=lambda item: item[0])[:6]
            settings = _changed(best[int(rng.integers(len(best)))][1], rng)
        snapshots = _train(settings, parts, targets, task, int(rng.integers(2**31)))
        for on_validation, on_test in snapshots:
            validation.append(on_validation)
            test.append(on_test)
        loss = float(row_losses(as_target(task).losses[0], task, validation[-1], truth).mean())
        known.append((loss, settings))
    return np.stack(validation), np.stack(test)


def _random_settings(rng: np.random.Generator) -> dict[str, float]:
    return {
        "width": float(np.exp(rng.uniform(np.log(16), np.log(192)))),
        "layers": float(rng.integers(1, 4)),
        "rate": float(10 ** rng.uniform(-3.3, -1.7)),
        "decay": float(10 ** rng.uniform(-6, -0.5)),
        "batch": float(rng.choice([16, 32, 64, 128])),
        "epochs": float(rng.choice([6, 12, 24])),
    }


def _changed(settings: dict[str, float], rng: np.random.Generator) -> dict[str, float]:
    child = dict(settings)
    fresh = _random_settings(rng)
    for name in rng.choice(list(settings), size=int(rng.integers(1, 3)), replace=False):
        child[name] = fresh[name]
    return child


def _train(
    settings: dict[str, float], parts: list[np.ndarray], targets: np.ndarray, task: str, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Predictions on validation and test rows at a third of the training and at its end."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    model = (MLPRegressor if task == "regression" else MLPClassifier)(
        hidden_layer_sizes=(int(settings["width"]),) * int(settings["layers"]),
        learning_rate_init=settings["rate"],
        alpha=settings["decay"],
        batch_size=min(int(settings["batch"]), len(targets)),
        max_iter=1,
        warm_start=True,
        random_state=seed,
    )
    epochs = int(settings["epochs"])
    snapshots = []
    classes = np.unique(targets)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for epoch in range(1, epochs + 1):
            model.fit(parts[0], targets) if epoch == 1 else model.partial_fit(parts[0], targets)
            if epoch in (epochs // 3, epochs):
                snapshots.append(tuple(_predictions(model, part, task, classes) for part in parts[1:]))
    return snapshots  # type: ignore[return-value]


def _predictions(model: object, x: np.ndarray, task: str, classes: np.ndarray) -> np.ndarray:
    if task == "regression":
        return np.clip(model.predict(x), -1e3, 1e3).astype(np.float32)[:, None]  # type: ignore[attr-defined]
    probabilities = model.predict_proba(x).astype(np.float32)  # type: ignore[attr-defined]
    if task == "binary":
        return probabilities[:, 1:]
    full = np.zeros((len(x), int(classes.max()) + 1), dtype=np.float32)
    full[:, classes] = probabilities
    return full


def load_pool(name: str, seed: int, folder: Path | None, cache: Path) -> Pool:
    """A pool from the cache, trained if it is not there."""
    path = cache / f"{name.split(' ')[0]}-{seed}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as stored:
            return Pool(name, str(stored["task"]), *(stored[part] for part in _PARTS))
    pool = make_pool(name, seed, folder)
    cache.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part.npz")
    np.savez(aside, task=np.array(pool.task), **{part: getattr(pool, part) for part in _PARTS})
    aside.replace(path)
    return pool


_PARTS = ("validation", "y_validation", "test", "y_test")
