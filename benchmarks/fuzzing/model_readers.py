"""Models in files: Keras', trees, ensembles, and what ``evo.fit`` leaves."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzzing.mutations import changed_archive, changed_bytes, changed_json, changed_numbers, packed
from benchmarks.fuzzing.reader import Reader

_COLUMNS = {"a": np.arange(12.0), "b": np.array(["x", "y"] * 6)}


def made_elsewhere(make: Callable[[], Sequence[bytes]]) -> Callable[[], Sequence[bytes]]:
    """Seeds made in a child process: what has imported a backend must not be forked."""

    def seeds() -> Sequence[bytes]:
        with tempfile.TemporaryDirectory() as folder:
            pid = os.fork()
            if pid == 0:
                try:
                    for number, seed in enumerate(make()):
                        Path(folder, str(number)).write_bytes(seed)
                finally:
                    os._exit(0)
            os.waitpid(pid, 0)
            return [path.read_bytes() for path in sorted(Path(folder).iterdir())]

    return seeds


def _keras_archives() -> Sequence[bytes]:
    import keras

    from evo.ensemble.reproducible import keras_archive

    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, "softmax", kernel_regularizer="l2")])
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/m.keras")
        return [keras_archive(Path(folder, "m.keras").read_bytes())]


def _read_keras(data: bytes, folder: Path) -> None:
    from evo.ensemble.keras_archive import check_keras_archive

    check_keras_archive(data, None)


def _ensembles() -> Sequence[bytes]:
    import keras

    from evo.ensemble import Ensemble, Member

    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, "softmax")])
    with tempfile.TemporaryDirectory() as folder:
        Ensemble([Member(model, 0)], task="multiclass").save(f"{folder}/e")
        return [Path(folder, "e").read_bytes()]


def _read_ensemble(data: bytes, folder: Path) -> None:
    from evo.ensemble import Ensemble

    (folder / "e").write_bytes(data)
    Ensemble.load(folder / "e")


def _tree_models() -> list[Any]:
    """A forest of classes and boosted trees of numbers."""
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier

    from evo.ensemble.trees import TreeModel
    from evo.ensemble.trees.scikit_trees import boosting_arrays, forest_arrays
    from evo.ensemble.trees.table_encoding import TableEncoding
    from genomes.targets import Target

    encoding = TableEncoding.learn(_COLUMNS)
    rows, y = encoding.encode(_COLUMNS), np.arange(12) % 2
    forest = RandomForestClassifier(3, max_depth=3, random_state=0).fit(np.nan_to_num(rows), y)
    boosted = HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=2).fit(rows, rows[:, 0])
    return [
        TreeModel([[forest_arrays(forest)]], encoding, Target.infer(classes=["no", "yes"]), "random forest"),
        TreeModel([[boosting_arrays(boosted)]], encoding, Target.infer(outputs=1), "boosting"),
    ]


def _trees() -> Sequence[bytes]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for model in _tree_models():
            model.save(f"{folder}/m.trees")
            found.append(Path(folder, "m.trees").read_bytes())
    return found


def _read_trees(data: bytes, folder: Path) -> None:
    from evo.core.errors import EnsembleError
    from evo.ensemble.trees import TreeModel

    (folder / "m.trees").write_bytes(data)
    model = TreeModel.load(folder / "m.trees")
    assert model.parameters >= 0 and str(model.name) is not None
    try:
        model.predict(_COLUMNS)
    except EnsembleError:
        return


def _linear_models() -> list[Any]:
    """On texts and on series, for classes and for numbers."""
    from evo.ensemble.linear import fit_linear
    from evo.ensemble.linear.fitting import series_recipes, text_recipes

    x, y = _linear_input(), np.arange(12) % 2
    words, _, both = text_recipes(["text"])
    return [
        fit_linear(x, y, "binary", both),
        fit_linear(x, y + 0.5, "regression", words),
        fit_linear(x, y, "multiclass", series_recipes("series", -1.0)[1], outputs=3),
    ]


def _linear_input() -> dict[str, np.ndarray]:
    series = np.random.default_rng(0).normal(size=(12, 10, 2)).astype(np.float32)
    return {"text": np.array(["\u00fc b c".encode(), b"b c d"] * 6), "series": series}


def _linear() -> Sequence[bytes]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for model in _linear_models():
            model.save(f"{folder}/m.linear")
            found.append(Path(folder, "m.linear").read_bytes())
    return found


def _read_linear(data: bytes, folder: Path) -> None:
    from evo.core.errors import EnsembleError
    from evo.ensemble.linear import LinearModel

    (folder / "m.linear").write_bytes(data)
    model = LinearModel.load(folder / "m.linear")
    assert model.parameters >= 0 and str(model.name) is not None
    try:
        model.predict(_linear_input())
    except EnsembleError:
        return


def _fitted() -> Sequence[bytes]:
    """What ``Fitted.save`` writes: of a table, and of a series."""
    from evo.ensemble import Ensemble, Member
    from evo.fitting.fitted import Fitted
    from evo.fitting.forecasting import Forecaster
    from evo.fitting.forecasting.plan import Plan
    from evo.fitting.forecasting.series import Series
    from evo.fitting.tables import TableFormat
    from genomes import spaces

    forest, boosted = _tree_models()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for model, space in (
            (forest, spaces.tabular(columns=_COLUMNS, classes=2)),
            (boosted, spaces.timeseries(input_shape=(4, 2), horizon=2)),
        ):
            members = [Member(model, 0, kind="trees", parameters=model.parameters)] * 2
            ensemble = Ensemble(members, task=model.target, space=space)
            if model is forest:
                fitted = Fitted(folder, ensemble, name="kind", notes=("a", "b"), form=TableFormat(";", ",", "utf-8"))
            else:
                plan = Plan(("a",), ("b",), (), (), "day", 4, 2, 3)
                times = np.arange("2026-01-01", "2026-01-09", dtype="datetime64[D]").astype("datetime64[ns]")
                fitted = Forecaster(folder, ensemble, name="a", notes=()).planned(
                    plan, Series(plan.columns, np.ones((8, 2)), times), {"this model": {"rmse": 1.0}}
                )
            fitted.save(Path(folder, "one"))
            found.append(Path(folder, "one").read_bytes())
    return found


def _changed_fitted(data: bytes, rng: random.Random) -> bytes:
    """The description of the model, the rest of the manifest, or a member, its checksum made right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(content["ensemble.json"])
    kind = rng.random()
    if kind < 0.5:
        manifest["report"]["fitted"] = changed_json(manifest["report"]["fitted"], rng)
    elif kind < 0.8:
        manifest = changed_json(manifest, rng)
    elif kind < 0.9:
        content["members/0.trees"] = changed_numbers(content["members/0.trees"], rng)
        manifest["members"][0]["sha256"] = hashlib.sha256(content["members/0.trees"]).hexdigest()
    else:
        return changed_bytes(data, rng)
    content["ensemble.json"] = json.dumps(manifest).encode()
    return packed(content)


def _read_fitted(data: bytes, folder: Path) -> None:
    from evo.core.errors import DataError, EnsembleError, SettingsError
    from evo.fitting.fitted import load_fitted
    from evo.fitting.forecasting import Forecaster

    (folder / "fitted.ensemble").write_bytes(data)
    (folder / "fitted.json").write_text('{"ensemble": "fitted.ensemble"}')
    model = load_fitted(folder)
    repr(model), model.notes, model.name
    try:
        if isinstance(model, Forecaster):
            model.forecast()
        else:
            model.predict(_COLUMNS)
            assert model.classes is None or len(model.classes)
    except (DataError, EnsembleError, SettingsError):
        return


def _fitted_json() -> Sequence[Any]:
    return [{"format": 1, "name": ["y"], "target": {"task": "binary"}, "notes": [], "ensemble": "fitted.ensemble"}]


def _read_fitted_json(value: Any, folder: Path) -> None:
    from evo.fitting.fitted import load_fitted

    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    (folder / "fitted.json").write_bytes(content)
    load_fitted(folder)


def _changed(value: Any, rng: random.Random) -> Any:
    if rng.random() < 0.3:
        return changed_bytes(json.dumps(value).encode(), rng)
    return changed_json(value, rng)


def model_readers() -> list[Reader]:
    """The readers of this file."""
    from evo.core.errors import DataError, EnsembleError, EvoError, SettingsError

    described = (EnsembleError, SettingsError, DataError, EvoError)
    return [
        Reader("trees", made_elsewhere(_trees), changed_numbers, _read_trees, (EnsembleError,)),
        Reader("linear", made_elsewhere(_linear), changed_numbers, _read_linear, (EnsembleError,)),
        Reader("fitted", made_elsewhere(_fitted), _changed_fitted, _read_fitted, described),
        Reader("fitted.json", _fitted_json, _changed, _read_fitted_json, described),
        Reader("keras", made_elsewhere(_keras_archives), changed_archive, _read_keras, (EnsembleError,)),
        Reader("ensemble", made_elsewhere(_ensembles), changed_archive, _read_ensemble, (EnsembleError,)),
    ]
