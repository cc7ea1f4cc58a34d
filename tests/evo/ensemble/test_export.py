"""What was exported is read back and compared: it predicts as the model does, or there is no file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evo.ensemble import Ensemble
from evo.ensemble import export as exporting
from evo.ensemble.export import identifiers
from evo.errors import EnsembleError, SettingsError

NAMES = ("a b", "1x", "größe", "class")
RNG = np.random.default_rng(0)
ROWS = {name: RNG.normal(size=9).astype("float32") for name in NAMES}


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    import keras

    keras.utils.set_random_seed(0)
    inputs = {name: keras.Input((1,), name=name) for name in NAMES}
    x = keras.layers.Concatenate()(list(inputs.values()))
    x = keras.layers.Dense(3, activation="gelu")(x)
    return Ensemble([keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))], task="multiclass")


def test_any_column_name_is_exported_under_an_identifier(ensemble: Ensemble, tmp_path: Path) -> None:
    import tensorflow as tf

    before = ensemble.outputs(ROWS)
    path = ensemble.export(tmp_path / "served", "savedmodel", ROWS)
    feeds = dict(zip(identifiers(NAMES), (tf.constant(column[:, None]) for column in ROWS.values()), strict=True))
    (served,) = tf.saved_model.load(str(path)).signatures["serving_default"](**feeds).values()
    np.testing.assert_allclose(served, before, atol=1e-6)
    path = ensemble.export(tmp_path / "small.tflite", "litert", ROWS)
    (answers,) = tf.lite.Interpreter(str(path)).get_signature_runner()(**feeds).values()
    np.testing.assert_allclose(answers, before, atol=1e-6)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["served", "small.tflite"]


def test_onnx_has_the_exact_gelu(ensemble: Ensemble, tmp_path: Path) -> None:
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(ensemble.export(tmp_path / "model.onnx", "onnx", ROWS))
    (answers,) = session.run(None, {name: column[:, None] for name, column in ROWS.items()})
    np.testing.assert_allclose(answers, ensemble.outputs(ROWS), atol=1e-6)


def test_identifiers_are_readable_and_each_once() -> None:
    assert identifiers(["units", "a b", "a_b", "é", "1x", "class", "", "a-b"]) == [
        "units",
        "a_b_2",
        "a_b",
        "e",
        "input_1x",
        "class_",
        "input_",
        "a_b_3",
    ]


def test_a_file_that_is_not_the_model_is_dropped(
    ensemble: Ensemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    path, model = tmp_path / "model.keras", ensemble.as_keras()
    path.write_bytes(b"an earlier one")
    other = keras.models.clone_model(model)  # with fresh weights

    def export(save: Any, words: str) -> None:
        monkeypatch.setattr(model, "save", save)
        with pytest.raises(EnsembleError, match=words):
            exporting.export(model, ensemble.target, path, "keras", ROWS)
        assert path.read_bytes() == b"an earlier one" and len(list(tmp_path.iterdir())) == 1

    export(lambda file: other.save(file), r"keras predicts \[.*\] for row \d, the model \[.*\]; the file was dropped")
    monkeypatch.setattr(exporting, "add_metadata", lambda file, about: None)
    export(lambda file: file.write_bytes(b"PK"), "was written and cannot be read back, so it was dropped")


def test_what_cannot_be_written_is_told_before_anything_is(
    ensemble: Ensemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: None)
    for path, format, words in (
        ("m.h5", "h5", "format: expected one of keras, savedmodel, onnx, litert, got 'h5'"),
        ("m.h5", "keras", "end in .keras, got m.h5"),
        ("m.bin", "litert", "end in .tflite"),
        ("full", "savedmodel", "holds something that is no SavedModel"),
        ("m.onnx", "onnx", "pip install tf2onnx onnxruntime"),
    ):
        with pytest.raises(SettingsError, match=words):
            ensemble.export(tmp_path / path, format)
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"
