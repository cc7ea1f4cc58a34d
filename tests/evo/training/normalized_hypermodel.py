"""A KerasTuner hypermodel with batch normalisation, in a file of its own, so that workers can import it."""

from __future__ import annotations

from typing import Any


def normalized(hp: Any) -> Any:
    import keras

    inputs = keras.Input((4,))
    x = keras.layers.BatchNormalization()(inputs)
    x = keras.layers.Dense(hp.Int("units", 16, 32), activation="relu")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    model.compile(keras.optimizers.Adam(2e-2), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
