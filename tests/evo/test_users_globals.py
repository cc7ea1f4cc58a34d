"""Nothing global of the user's changes: around each public entry point that works in the user's process."""

from __future__ import annotations

import contextlib
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import keras_tuner  # noqa: F401  (it registers layers of its own when it is imported)
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import evo
import genomes
from evo.commands.quiet_backend import quiet_backend
from genomes.spaces.hypermodel.user_state import state_put_back
from tests.evo.users_globals import differences, users_globals

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"size": RNG.normal(size=60).astype("float32"), "kind": RNG.choice(["x", "y"], 60)})
FRAME["churn"] = np.where(FRAME["size"] > 0, "yes", "no")


def build(hp: Any) -> keras.Model:
    """Draws from everything that can be drawn from."""
    random.random()
    np.random.random()  # noqa: NPY002
    keras.random.normal((1,))
    tf.random.normal((1,))
    inputs = keras.Input((4,))
    x = keras.layers.Dropout(0.1)(keras.layers.Dense(hp.Int("units", 2, 3))(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(x))
    model.compile("adam", "mse")
    return model


@pytest.fixture
def own_settings() -> Iterator[None]:
    """A user's own settings, seeds and counters: none of them is the default."""
    before = keras.config.dtype_policy().name
    keras.utils.set_random_seed(5)
    keras.random.normal((1,))
    tf.random.normal((1,))
    keras.layers.Dense(3)
    keras.config.set_dtype_policy("mixed_bfloat16")
    keras.config.set_epsilon(1e-5)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="mine")
        yield
    keras.config.set_dtype_policy(before)
    keras.config.set_epsilon(1e-7)
    tf.random.set_seed(None)


@contextlib.contextmanager
def unchanged(what: str) -> Iterator[None]:
    before = users_globals()
    yield
    found = differences(before, users_globals())
    assert not found, f"{what} changed the user's\n" + "\n".join(found)


@pytest.mark.slow
@pytest.mark.usefixtures("own_settings")
def test_a_program_in_one_process_stays_as_it_is(tmp_path: Path) -> None:
    serial: dict[str, Any] = {"executor": evo.workers.Serial(), "epochs": 1, "trials": 2}
    with unchanged("evo.fit"):
        model = evo.fit(FRAME, "churn", directory=tmp_path / "c", members=2, verbose=False, **serial)
    with unchanged("evo.load_fitted"):
        model = evo.load_fitted(tmp_path / "c")
    with unchanged("predict"):
        model.predict(FRAME)
    with unchanged("as_keras"):
        model.ensemble.as_keras()
    with unchanged("export"):
        model.export(tmp_path / "m.keras")
    with unchanged("report"):
        model.report(tmp_path / "report.html")
    with unchanged("best.model"):
        evo.load_result(tmp_path / "c").best.model()
    with unchanged("quiet_backend"), quiet_backend():
        pass


@pytest.mark.usefixtures("own_settings")
def test_nor_does_a_hypermodel_change_it(tmp_path: Path) -> None:
    x = RNG.normal(size=(40, 4)).astype("float32")
    with unchanged("from_hypermodel"):
        space = genomes.spaces.from_hypermodel(build, objective="-val_loss", builds=3, outputs=1)
    with unchanged("evo.Campaign"):
        campaign = evo.Campaign(
            space,
            evo.Data(x, x[:, :1], validation=0.5, seed=0),
            tmp_path / "c",
            budget=evo.Budget(trials=1),
            epochs=1,
            executor=evo.workers.Serial(),
        )
    with unchanged("run"):
        result = campaign.run()
    with unchanged("ensemble"):
        ensemble = result.ensemble(size=1)
    with unchanged("distill"):
        ensemble.distill(x, epochs=1)


def test_a_layer_that_is_built_in_a_stateless_scope_leaves_nothing_to_be_initialized() -> None:
    """As exploring a model does whose layers make their variables in a symbolic call."""
    from keras.src.backend.common import global_state

    waiting = global_state.get_global_attribute("uninitialized_variables", default=[], set_to_default=True)
    before = list(waiting)
    with state_put_back(), keras.StatelessScope(initialize_variables=True):
        keras.layers.Dense(2).build((None, 3))
    assert list(global_state.get_global_attribute("uninitialized_variables")) == before


@pytest.mark.slow
@pytest.mark.usefixtures("own_settings")
def test_nor_do_callbacks_and_resuming(tmp_path: Path) -> None:
    x = RNG.normal(size=(40, 4)).astype("float32")
    space = genomes.spaces.from_hypermodel(build, objective="-val_loss", builds=3, outputs=1)
    data = evo.Data(x, x[:, :1], validation=0.5, seed=0)
    callbacks = [keras.callbacks.EarlyStopping("val_loss"), keras.callbacks.LambdaCallback()]
    for action, trials in ((evo.Campaign, 2), (evo.resume, 3)):
        more: dict[str, Any] = {"callbacks": callbacks, "executor": evo.workers.Serial(), "verbose": False}
        with unchanged(action.__name__):
            if action is evo.Campaign:
                budget = evo.Budget(trials=trials)
                result = evo.Campaign(space, data, tmp_path / "c", budget=budget, epochs=2, **more).run()
            else:
                result = evo.resume(tmp_path / "c", data, **more).run()
    with unchanged("ensemble"):
        result.ensemble(size=2).predict(x)


@pytest.mark.slow
@pytest.mark.usefixtures("own_settings")
def test_nor_do_worker_processes(tmp_path: Path) -> None:
    with unchanged("evo.fit with workers"):
        evo.fit(FRAME, "churn", directory=tmp_path / "c", trials=2, epochs=1, members=2, workers=1, verbose=False)
