from __future__ import annotations

import io
import zipfile
from pathlib import Path

import keras
import numpy as np

from evo.ensemble.reproducible import keras_archive


def model() -> keras.Model:
    policy = keras.DTypePolicy("float32")
    x = keras.Input((4,))
    y = keras.layers.Dropout(0.5, dtype=policy, seed=1)(keras.layers.Dense(3, dtype=policy, name="first")(x))
    built = keras.Model(x, keras.layers.Dense(2, dtype=policy, name="second")(y), name="net")
    built.set_weights([np.full(weight.shape, 0.5) for weight in built.get_weights()])
    return built


def test_equal_models_give_equal_bytes_that_load(tmp_path: Path) -> None:
    found = []
    for number in range(2):
        keras.utils.clear_session()
        path = tmp_path / f"{number}.keras"
        model().save(path)
        found.append(keras_archive(path.read_bytes()))
    assert found[0] == found[1]
    (tmp_path / "again.keras").write_bytes(found[0])
    loaded = keras.models.load_model(tmp_path / "again.keras", safe_mode=True)
    x = np.ones((2, 4), np.float32)
    assert np.array_equal(loaded.predict(x, verbose=0), model().predict(x, verbose=0))
    assert all(entry.date_time[0] == 1980 for entry in zipfile.ZipFile(io.BytesIO(found[0])).infolist())
