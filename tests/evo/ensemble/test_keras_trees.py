"""Trees as Keras models of standard layers predict what the arrays predict."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from evo.ensemble import fit_trees
from evo.ensemble.trees import KINDS
from evo.ensemble.trees.keras_trees import keras_trees

ROWS = 300


def table() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    size = random.normal(size=ROWS).astype(np.float32)
    size[::9] = np.nan
    return {
        "size": size,
        "kind": random.choice(["a", "b", "c", "d"], ROWS),
        "room": random.integers(-2, 9, ROWS),
        "age": random.normal(size=ROWS).astype(np.float32),
    }


X = table()
NUMBERS = np.nan_to_num(X["size"]) + (X["kind"] == "b") * 2.0 + X["room"] % 3 + np.abs(X["age"])
CLASSES = np.digitize(NUMBERS, [1.5, 3])
#: What each task learns, and the outputs of its models.
TARGETS: dict[str, Any] = {
    "binary": (NUMBERS > 2, None),
    "multiclass": (np.where(CLASSES == 1, 3, CLASSES), 4),  # no row has the class 1
    "multilabel": (np.stack([NUMBERS > 1, NUMBERS > 3], axis=1), None),
    "regression": (np.stack([NUMBERS, -NUMBERS * 100], axis=1), None),
}


@pytest.mark.parametrize(
    ("kind", "task"),
    [(kind, "multiclass") for kind in KINDS]
    + [("boosting", "binary"), ("boosting", "multilabel"), ("extra trees", "regression"), ("CatBoost", "binary")],
)
def test_a_keras_model_predicts_as_the_arrays_do(kind: str, task: str, tmp_path: Any) -> None:
    if not KINDS[kind].is_installed:
        pytest.skip(f"{kind} is not installed: pip install 'evo-keras[trees]'")
    y, outputs = TARGETS[task]
    settings = {"n_estimators": 5, "max_depth": 6} if kind in ("extra trees", "random forest") else {}
    trees = fit_trees(X, y, task, kind=kind, outputs=outputs, categorical=["room"], iterations=15, settings=settings)
    dtypes = {"size": "float32", "kind": "string", "room": "int64", "age": "float32"}
    inputs = {name: keras.Input((1,), dtype=dtype, name=name) for name, dtype in dtypes.items()}
    model = keras_trees(trees, inputs)
    new = {**X, "kind": np.where(np.arange(ROWS) % 7 == 0, "unknown", X["kind"])}
    new["room"] = np.where(np.arange(ROWS) % 11 == 0, 99, new["room"])
    expected = trees.predict(new)
    tensors = {name: keras.ops.convert_to_tensor(values[:, None]) for name, values in new.items()}
    np.testing.assert_allclose(model(tensors), expected, rtol=2e-5, atol=2e-6)
    assert not model.trainable_weights
    if task == "multiclass":
        model.save(tmp_path / "m.keras")
        again = keras.saving.load_model(tmp_path / "m.keras")
        np.testing.assert_allclose(again(tensors), expected, rtol=2e-5, atol=2e-6)
        assert not expected[:, 1].any()


def test_plain_numbers() -> None:
    x = np.random.default_rng(1).normal(size=(ROWS, 3)).astype(np.float32)
    trees = fit_trees(x, x[:, 0] > 0, "binary", settings={"max_iter": 5})
    model = keras_trees(trees, keras.Input((3,)))
    np.testing.assert_allclose(model(x), trees.predict(x), rtol=1e-6)
