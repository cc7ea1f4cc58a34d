"""The programs of KerasTuner's guides, in our words: an import and a class name changed, few rows, and what came out
compared with Keras: the winner's hyperparameters are what was built, and evaluating it gives what was reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras_tuner")

import keras
import keras_tuner as kt
from keras import layers

from evo.integrations.keras_tuner import EvolutionTuner

_random = np.random.default_rng(0)
Y = np.arange(48) % 2
X = (_random.normal(size=(48, 6)) * 0.5 + Y[:, None]).astype("float32")
X_TRAIN, Y_TRAIN, X_VAL, Y_VAL = X[:32], Y[:32], X[32:], Y[32:]
VALIDATION = {"validation_data": (X_VAL, Y_VAL), "verbose": 0}


def best_trial(tuner: Any) -> Any:
    return tuner.oracle.get_best_trials(1)[0]


def evaluated(tuner: Any, x: Any = X_VAL, y: Any = Y_VAL) -> dict[str, float]:
    """What Keras says of the best model."""
    values: dict[str, float] = tuner.get_best_models()[0].evaluate(x, y, verbose=0, return_dict=True)
    return values


def assert_reported(tuner: Any) -> None:
    trial = best_trial(tuner)
    metric = tuner.oracle.objective.name.removeprefix("val_")
    assert trial.score == pytest.approx(evaluated(tuner)[metric], rel=1e-5)
    assert tuner.result.best.outcome.scores["score"] == trial.score
    assert {t.status for t in tuner.oracle.trials.values()} == {"COMPLETED"}


def assert_built(model: Any, hp: Any) -> None:
    """The classifier below has these hyperparameters."""
    hidden = [layer for layer in model.layers if isinstance(layer, layers.Dense)][:-1]
    assert [layer.units for layer in hidden] == [hp[f"units_{i}"] for i in range(hp["num_layers"])]
    assert {layer.activation.__name__ for layer in hidden} == {hp["activation"]}
    assert any(isinstance(layer, layers.Dropout) for layer in model.layers) == hp["dropout"]
    assert float(model.optimizer.learning_rate) == pytest.approx(hp["lr"], rel=1e-5)


def build_model(hp: Any) -> Any:
    model = keras.Sequential([layers.Flatten()])
    for i in range(hp.Int("num_layers", 1, 2)):
        units = hp.Int(f"units_{i}", min_value=8, max_value=32, step=8)
        model.add(layers.Dense(units, activation=hp.Choice("activation", ["relu", "tanh"])))
    if hp.Boolean("dropout"):
        model.add(layers.Dropout(rate=0.25))
    model.add(layers.Dense(2, activation="softmax"))
    learning_rate = hp.Float("lr", min_value=1e-4, max_value=1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


# -- getting started -------------------------------------------------------------------------


def test_first_search_with_two_executions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert_built(build_model(kt.HyperParameters()), {"num_layers": 1, "units_0": 8} | default_values())
    tuner = EvolutionTuner(
        hypermodel=build_model,
        objective="val_accuracy",
        max_trials=2,
        executions_per_trial=2,
        overwrite=True,
        directory=tmp_path,
        project_name="helloworld",
    )
    tuner.search_space_summary()
    summary = capsys.readouterr().out
    assert all(name in summary for name in ("num_layers", "units_1", "activation", "dropout", "lr"))
    tuner.search(X_TRAIN, Y_TRAIN, epochs=1, **VALIDATION)

    models = tuner.get_best_models(num_models=2)
    assert len(models) == 2
    for model, hp in zip(models, tuner.get_best_hyperparameters(2), strict=True):
        assert_built(model, hp)
    # A score is the mean of two executions, and the better one's weights are kept.
    accuracy = evaluated(tuner)["accuracy"]
    assert accuracy >= best_trial(tuner).score - 1e-6
    assert best_trial(tuner).score == pytest.approx(round(best_trial(tuner).score * 32) / 32)
    tuner.results_summary()
    assert f"Score: {best_trial(tuner).score}" in capsys.readouterr().out

    again = build_model(tuner.get_best_hyperparameters(5)[0])
    history = again.fit(x=X, y=Y, epochs=1, verbose=0)
    assert_built(again, tuner.get_best_hyperparameters()[0])
    assert np.isfinite(history.history["loss"]).all()


def default_values() -> dict[str, Any]:
    return {"activation": "relu", "dropout": False, "lr": 1e-4}


def test_how_to_train_and_how_to_prepare_data_are_tuned_in_fit(tmp_path: Path) -> None:
    seen: list[tuple[bool, bool]] = []

    class MyHyperModel(kt.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            return build_model(hp)

        def fit(self, hp: Any, model: Any, x: Any, y: Any, validation_data: Any = None, **kwargs: Any) -> Any:
            if hp.Boolean("normalize"):
                x = layers.Normalization()(x)
            shuffle = hp.Boolean("shuffle")
            seen.append((hp["normalize"], shuffle))
            return model.fit(x, y, validation_data=validation_data, shuffle=shuffle, **kwargs)

    tuner = EvolutionTuner(MyHyperModel(), objective="val_accuracy", max_trials=2, seed=1, directory=tmp_path)
    tuner.search(X_TRAIN, Y_TRAIN, epochs=1, **VALIDATION)
    trials = [trial.hyperparameters.values for trial in tuner.oracle.trials.values()]
    assert seen == [(values["normalize"], values["shuffle"]) for values in trials]
    assert_reported(tuner)
    hp = tuner.get_best_hyperparameters()[0]
    model = tuner.hypermodel.build(hp)
    tuner.hypermodel.fit(hp, model, X, Y, epochs=1, verbose=0)
    assert_built(model, hp)
    assert seen[-1] == (hp["normalize"], hp["shuffle"])


class DoubleError(keras.metrics.Metric):
    """Twice the mean squared error."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(name="custom_metric", **kwargs)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        errors = keras.ops.square(keras.ops.cast(keras.ops.reshape(y_true, (-1, 1)), "float32") - y_pred)
        self.total.assign_add(2 * keras.ops.sum(errors))
        self.count.assign_add(keras.ops.cast(keras.ops.shape(y_pred)[0], "float32"))

    def result(self) -> Any:
        return self.total / self.count

    def reset_state(self) -> None:
        self.total.assign(0.0)
        self.count.assign(0.0)


def build_regressor(hp: Any) -> Any:
    model = keras.Sequential([layers.Dense(hp.Int("units", 8, 32, 8), activation="relu"), layers.Dense(1)])
    model.compile("adam", "mean_squared_error", metrics=["mean_absolute_error", DoubleError()])
    return model


def test_objectives_that_are_metrics(tmp_path: Path) -> None:
    objective = kt.Objective("val_custom_metric", "min")
    tuner = EvolutionTuner(build_regressor, objective=objective, max_trials=2, directory=tmp_path)
    tuner.search(X_TRAIN, Y_TRAIN, epochs=1, **VALIDATION)
    assert_reported(tuner)
    # Keras' own metrics stand beside it.
    reported, found = tuner.result.best.outcome.scores, evaluated(tuner)
    for name in ("custom_metric", "mean_absolute_error", "loss"):
        assert reported[f"val_{name}"] == pytest.approx(found[name], rel=1e-5)
    assert tuner.get_best_models()[0].layers[0].units == tuner.get_best_hyperparameters()[0]["units"]
    assert best_trial(tuner).score == min(trial.score for trial in tuner.oracle.trials.values())


@pytest.mark.parametrize("named", [False, True])
def test_objectives_that_fit_returns(tmp_path: Path, named: bool) -> None:
    returned: dict[int, float] = {}

    class HyperRegressor(kt.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            return build_regressor(hp)

        def fit(self, hp: Any, model: Any, x: Any, y: Any, validation_data: Any, **kwargs: Any) -> Any:
            model.fit(x, y, epochs=1, verbose=0)
            x_val, y_val = validation_data
            error = float(np.mean(np.abs(model.predict(x_val, verbose=0)[:, 0] - y_val)))
            returned[hp["units"]] = error
            return {"metric_a": -error, "metric_b": error} if named else error

    objective = kt.Objective("metric_a", "max") if named else None
    tuner = EvolutionTuner(HyperRegressor(), objective=objective, max_trials=2, seed=1, directory=tmp_path)
    tuner.search(X_TRAIN, Y_TRAIN, validation_data=(X_VAL, Y_VAL), verbose=0)
    best = min(returned, key=returned.__getitem__)
    assert tuner.get_best_hyperparameters()[0]["units"] == best
    assert best_trial(tuner).score == pytest.approx(-returned[best] if named else returned[best])
    assert tuner.result.best.outcome.scores.get("metric_b", returned[best]) == pytest.approx(returned[best])


def test_a_whole_workflow_in_run_trial(tmp_path: Path) -> None:
    def build_and_run(units: int, optimizer: str, saving_path: Path) -> float:
        model = keras.Sequential([layers.Dense(units, activation="relu"), layers.Dense(1)])
        model.compile(optimizer=optimizer, loss="mean_squared_error")
        model.fit(X_TRAIN, Y_TRAIN, epochs=1, verbose=0)
        model.save(saving_path)
        return float(np.mean(np.abs(model.predict(X_VAL, verbose=0)[:, 0] - Y_VAL)))

    class MyTuner(EvolutionTuner):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            hp = trial.hyperparameters
            return build_and_run(
                units=hp.Int("units", 8, 32, 8),
                optimizer=hp.Choice("optimizer", ["adam", "sgd"]),
                saving_path=tmp_path / f"{trial.trial_id}.keras",
            )

    tuner = MyTuner(max_trials=2, seed=1, overwrite=True, directory=tmp_path, project_name="own")
    tuner.search(verbose=0)
    hp, trial = tuner.get_best_hyperparameters()[0], best_trial(tuner)
    model = keras.models.load_model(tmp_path / f"{trial.trial_id}.keras")
    assert model.layers[0].units == hp["units"] and model.optimizer.name == hp["optimizer"]
    error = np.mean(np.abs(model.predict(X_VAL, verbose=0)[:, 0] - Y_VAL))
    assert trial.score == pytest.approx(float(error), rel=1e-5)


# -- tailoring the search space --------------------------------------------------------------


def fixed(hp: Any) -> None:
    hp.Fixed("lr", value=1e-3)


def narrowed(hp: Any) -> None:
    hp.Choice("lr", values=[1e-2, 1e-3])


@pytest.mark.parametrize(
    ("tailor", "tune_new_entries", "tuned"),
    [(fixed, True, {"num_layers", "units_0", "units_1", "activation", "dropout"}), (narrowed, False, {"lr"})],
)
def test_few_or_all_but_few_hyperparameters(
    tmp_path: Path, tailor: Callable[[Any], None], tune_new_entries: bool, tuned: set[str]
) -> None:
    hp = kt.HyperParameters()
    tailor(hp)
    tuner = EvolutionTuner(
        build_model,
        hyperparameters=hp,
        tune_new_entries=tune_new_entries,
        objective="val_accuracy",
        max_trials=2,
        seed=1,
        directory=tmp_path,
    )
    tuner.search(X_TRAIN, Y_TRAIN, epochs=1, **VALIDATION)
    untouched = default_values() | {"num_layers": 1, "units_0": 8} | ({"lr": 1e-3} if tailor is fixed else {})
    differing = set()
    for trial in tuner.oracle.trials.values():
        values = trial.hyperparameters.values
        assert values["lr"] in (1e-2, 1e-3)
        differing |= {name for name, value in untouched.items() if values[name] != value}
    assert differing and differing <= tuned
    assert_reported(tuner)
    assert_built(tuner.get_best_models()[0], tuner.get_best_hyperparameters()[0])


def test_compile_arguments_from_outside(tmp_path: Path) -> None:
    tuner = EvolutionTuner(
        build_model,
        optimizer=keras.optimizers.SGD(0.03),
        loss="mse",
        metrics=["sparse_categorical_crossentropy"],
        objective="val_loss",
        max_trials=2,
        allow_new_entries=True,
        directory=tmp_path,
    )
    one_hot = np.eye(2, dtype="float32")
    y = {"train": one_hot[Y_TRAIN][:, :1], "val": one_hot[Y_VAL][:, :1]}
    tuner.search(X_TRAIN, y["train"], epochs=1, validation_data=(X_VAL, y["val"]), verbose=0)
    model = tuner.get_best_models()[0]
    assert model.loss == "mse" and type(model.optimizer).__name__ == "SGD"
    assert float(model.optimizer.learning_rate) == pytest.approx(0.03)
    assert best_trial(tuner).score == pytest.approx(evaluated(tuner, X_VAL, y["val"])["loss"], rel=1e-5)


# -- a custom training loop ------------------------------------------------------------------


def test_a_training_loop_of_ones_own(tmp_path: Path) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the guide's loop is TensorFlow's")
    import tensorflow as tf

    built: list[tuple[int, int, float]] = []

    class MyHyperModel(kt.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            inputs = keras.Input(shape=(6,))
            x = layers.Dense(hp.Int("units", 8, 24, 8), activation="relu")(inputs)
            return keras.Model(inputs, layers.Dense(2)(x))

        def fit(self, hp: Any, model: Any, x: Any, y: Any, validation_data: Any, callbacks: Any = None) -> float:
            batch_size = hp.Int("batch_size", 8, 32, step=8, default=16)
            optimizer = keras.optimizers.Adam(hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-3))
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(batch_size)
            for callback in callbacks:
                callback.set_model(model)
            best = float("inf")
            for epoch in range(2):
                for rows, labels in batches:
                    with tf.GradientTape() as tape:
                        value = loss(labels, model(rows))
                    gradients = tape.gradient(value, model.trainable_variables)
                    optimizer.apply(gradients, model.trainable_variables)
                epoch_loss = float(loss(validation_data[1], model(validation_data[0])))
                for callback in callbacks:
                    callback.on_epoch_end(epoch, logs={"my_metric": epoch_loss})
                best = min(best, epoch_loss)
            built.append((model.layers[1].units, batch_size, float(optimizer.learning_rate)))
            return best

    tuner = EvolutionTuner(
        objective=kt.Objective("my_metric", "min"),
        max_trials=2,
        hypermodel=MyHyperModel(),
        directory=tmp_path,
        project_name="custom_training",
    )
    tuner.search(x=X_TRAIN, y=Y_TRAIN, validation_data=(X_VAL, Y_VAL))
    for trial, (units, batch_size, rate) in zip(tuner.oracle.trials.values(), built, strict=True):
        values = trial.hyperparameters.values
        assert (values["units"], values["batch_size"]) == (units, batch_size)
        assert values["learning_rate"] == pytest.approx(rate, rel=1e-5)
    model = tuner.get_best_models()[0]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert best_trial(tuner).score == pytest.approx(float(loss(Y_VAL, model(X_VAL))), rel=1e-5)


# -- visualization ---------------------------------------------------------------------------


def test_tensorboard_shows_every_trial_of_a_conditional_space(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")

    def build_either(hp: Any) -> Any:
        inputs = keras.Input(shape=(6, 1))
        model_type = hp.Choice("model_type", ["mlp", "cnn"])
        with hp.conditional_scope("model_type", ["mlp"]):
            if model_type == "mlp":
                x = layers.Flatten()(inputs)
                for i in range(hp.Int("mlp_layers", 1, 2)):
                    x = layers.Dense(hp.Int(f"units_{i}", 8, 32, step=8), activation="relu")(x)
        with hp.conditional_scope("model_type", ["cnn"]):
            if model_type == "cnn":
                x = layers.Conv1D(hp.Int("filters", 4, 8, step=2), 3, activation="relu")(inputs)
                x = layers.Flatten()(x)
        model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
        model.compile(hp.Choice("optimizer", ["adam", "sgd"]), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    tuner = EvolutionTuner(
        build_either, max_trials=2, objective="val_accuracy", seed=2, directory=tmp_path, project_name="p"
    )
    logs = tmp_path / "logs"
    tuner.search(
        X, Y, validation_split=0.25, epochs=1, verbose=0, callbacks=[keras.callbacks.TensorBoard(log_dir=str(logs))]
    )
    for trial_id, trial in tuner.oracle.trials.items():
        assert list((logs / trial_id).rglob("events.out.tfevents*"))
        values = trial.hyperparameters.values
        assert ("filters" in values) == (values["model_type"] == "cnn")
        assert ("mlp_layers" in values) == (values["model_type"] == "mlp")
    assert {t.hyperparameters.values["model_type"] for t in tuner.oracle.trials.values()} == {"mlp", "cnn"}
    assert best_trial(tuner).score == pytest.approx(evaluated(tuner, X[36:], Y[36:])["accuracy"], rel=1e-5)
