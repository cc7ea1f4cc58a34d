"""What KerasTuner's users say beside ``build``: ranges, compile arguments, objectives; and odd programs."""

from __future__ import annotations

import random
import sys
from typing import Any

import keras
import numpy as np
import pytest

from genomes import GenomeError, Space, spaces

keras_tuner = pytest.importorskip("keras_tuner")


def build(hp: Any) -> Any:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(hp.Float("rate", 1e-3, 1e-1, sampling="log")), "mse", metrics=["mae"])
    return model


def domains(space: Any) -> dict[str, Any]:
    return {parameter.name: parameter.domain for parameter in space.parameters}


def test_hyperparameters_fix_and_re_range() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Fixed("rate", 0.5)
    hp.Int("units", 20, 40, step=10)
    space = spaces.from_hypermodel(build, hyperparameters=hp)
    assert set(domains(space)) == {"units", "rate"} and space.size() == 3
    model = space.build(space.genome({"units": 40}))
    assert model.layers[0].units == 40 and float(model.optimizer.learning_rate) == 0.5
    assert space.describe().startswith(f"hypermodel {__name__}:build")
    assert Space.from_json(space.to_json()).build(space.default()).layers[0].units == 20
    # Another range is another space, and the stored one is still served.
    other = spaces.from_hypermodel(build, hyperparameters=keras_tuner.HyperParameters(), builds=1)
    assert other.fingerprint != space.fingerprint
    assert Space.from_json(space.to_json()).build(space.default()).layers[0].units == 20


def test_only_what_is_given_is_tuned_or_allowed() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Choice("units", [3, 5])
    space = spaces.from_hypermodel(build, hyperparameters=hp, tune_new_entries=False)
    assert set(domains(space)) == {"units"}
    assert float(space.build(space.default()).optimizer.learning_rate) == pytest.approx(1e-3)
    with pytest.raises(GenomeError, match="asks for .*rate.*allow_new_entries"):
        spaces.from_hypermodel(build, hyperparameters=hp, allow_new_entries=False)
    with pytest.raises(GenomeError, match="tune_new_entries: nothing is left"):
        spaces.from_hypermodel(build, tune_new_entries=False)


def test_optimizer_loss_and_metrics_from_outside() -> None:
    optimizer = keras.optimizers.Adam(0.25)
    space = spaces.from_hypermodel(build, optimizer=optimizer, loss="mae", metrics=["mse"], builds=1)
    models = [space.build(space.default()) for _ in range(2)]
    for model in models:
        assert type(model.optimizer) is keras.optimizers.Adam and float(model.optimizer.learning_rate) == 0.25
        assert model.loss == "mae"
    assert models[0].optimizer is not models[1].optimizer is not optimizer
    assert [metric.name for metric in space.metrics()] == ["mse"]
    kept = spaces.from_hypermodel(build, loss="mae", builds=1)
    assert type(kept.build(kept.default()).optimizer) is keras.optimizers.SGD
    assert [metric.name for metric in kept.metrics()] == ["mae"]


def test_objectives_of_keras_tuner() -> None:
    for direction, written in (("min", "-val_loss"), ("max", "val_loss")):
        objective = keras_tuner.Objective("val_loss", direction)
        assert spaces.from_hypermodel(build, objective=objective, builds=1).objective == written


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda hp: hp.Int("a", 32, 512, step=32, default=100), 96),
        (lambda hp: hp.Int("a", 1, 9, default=20), 9),
        (lambda hp: hp.Int("a", 1, 64, step=2, sampling="log", default=5), 4),
        (lambda hp: hp.Float("a", 0.0, 0.5, step=0.1, default=0.26), 0.3),
        (lambda hp: hp.Float("a", 1e-4, 1e-1, sampling="log", default=1.0), 1e-1),
    ],
)
def test_a_default_that_is_off_the_grid_becomes_the_nearest_value(ask: Any, expected: float) -> None:
    def asking(hp: Any) -> Any:
        ask(hp)
        return keras.Sequential()

    space = spaces.from_hypermodel(asking, builds=1)
    assert space.values(space.default())["a"] == pytest.approx(expected)


def test_exits_are_failures() -> None:
    def sometimes(hp: Any) -> Any:
        if hp.Boolean("leave"):
            sys.exit("no such model")
        return build(hp)

    space = spaces.from_hypermodel(sometimes)
    with pytest.raises(GenomeError, match="build failed: SystemExit: no such model"):
        space.build(space.genome({"leave": True}))
    with pytest.raises(GenomeError, match="default values: SystemExit: 3"):
        spaces.from_hypermodel(lambda hp: sys.exit(3))


def test_exploration_leaves_the_program_as_it_was() -> None:
    def careless(hp: Any) -> Any:
        keras.config.set_dtype_policy("float64")
        keras.config.set_image_data_format("channels_first")
        keras.utils.set_random_seed(hp.Int("seed", 1, 3))
        keras.layers.Dense(1)
        return build(hp)

    keras.utils.set_random_seed(4)
    before = keras.layers.Dense(1).name, keras.config.dtype_policy().name, keras.config.image_data_format()
    drawn = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    with keras.saving.custom_object_scope({"mine": build}):
        spaces.from_hypermodel(careless)
        assert keras.saving.get_registered_object("mine") is build
    assert drawn == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002
    after = keras.layers.Dense(1).name, keras.config.dtype_policy().name, keras.config.image_data_format()
    assert after[1:] == before[1:]
    assert int(after[0].partition("_")[2] or 0) == int(before[0].partition("_")[2] or 0) + 1


def test_what_is_no_model_is_refused_at_once() -> None:
    with pytest.raises(GenomeError, match="must return a keras.Model, got NoneType with default values"):
        spaces.from_hypermodel(lambda hp: None)
    with pytest.raises(GenomeError, match="got int with .*'none': True"):
        spaces.from_hypermodel(lambda hp: 3 if hp.Boolean("none") else build(hp))
