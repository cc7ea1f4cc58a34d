"""KerasTuner hypermodels that tests read; in a file of their own, so that another process can import them."""

from __future__ import annotations

from typing import Any


def loops_and_ifs(hp: Any) -> Any:
    import keras

    model = keras.Sequential([keras.Input((4,))])
    for i in range(hp.Int("layers", 1, 4)):
        model.add(keras.layers.Dense(hp.Int(f"units_{i}", 4, 32, step=4, default=8)))
        if hp.Boolean(f"dropout_{i}"):
            model.add(keras.layers.Dropout(hp.Float(f"rate_{i}", 0.1, 0.5, step=0.1)))
    if hp.Choice("optimizer", ["adam", "sgd"]) == "sgd":
        momentum = hp.Float("momentum", 0.5, 0.99)
        optimizer = keras.optimizers.SGD(hp.Float("rate", 1e-4, 1e-1, sampling="log"), momentum=momentum)
    else:
        optimizer = keras.optimizers.Adam(hp.Float("rate", 1e-4, 1e-1, sampling="log"))
    hp.Fixed("version", 3)
    model.add(keras.layers.Dense(3, activation="softmax"))
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def conditional_scopes(hp: Any) -> Any:
    import keras

    inputs = keras.Input((4,))
    x = inputs
    kind = hp.Choice("kind", ["flat", "deep", "wide"])
    with hp.conditional_scope("kind", ["deep"]):
        if kind == "deep":
            for i in range(hp.Int("depth", 1, 3)):
                x = keras.layers.Dense(8, name=f"deep_{i}")(x)
            inner = hp.Choice("inner", ["a", "b"])
            with hp.conditional_scope("inner", ["b"]):
                if inner == "b":
                    x = keras.layers.Dense(hp.Int("units", 2, 6))(x)
    with hp.conditional_scope("kind", ["wide"]):
        if kind == "wide":
            # The same name under another condition is another parameter.
            x = keras.layers.Dense(hp.Int("units", 64, 128, sampling="log"))(x)
    model = keras.Model(inputs, keras.layers.Dense(1)(x))
    model.compile(keras.optimizers.Adam(1e-3), loss="mse", metrics=["mae", keras.metrics.RootMeanSquaredError()])
    return model


def failing(hp: Any) -> Any:
    raise RuntimeError("no data")


def not_compiled(hp: Any) -> Any:
    import keras

    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(hp.Int("units", 1, 3))])
