"""A user's program: hypermodels wherever they may stand, no main guard; run by test_hypermodels_everywhere.py.

Prints one line of JSON: what came of each kind. With ``again`` as its second argument it only makes the campaigns anew.
"""

import functools
import json
import sys

import keras
import keras_tuner
import numpy as np

import evo
from evo.workers import LocalProcesses
from genomes import spaces

print("this program began", flush=True)
folder, again = sys.argv[1], sys.argv[2:] == ["again"]
WIDEST = 6


@keras.saving.register_keras_serializable("mine")
class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x


def compiled(hidden, outputs=1):
    model = keras.Sequential([keras.Input((3,)), Twice(), *hidden, keras.layers.Dense(outputs)])
    model.compile(keras.optimizers.SGD(0.01), "mse", metrics=["mae"])
    return model


def build(hp):
    return compiled([keras.layers.Dense(hp.Int("units", 2, WIDEST))])


def closure(units):
    def build(hp):
        return compiled([keras.layers.Dense(units, activation=hp.Choice("activation", ["relu", "tanh"]))])

    return build


def with_arguments(hp, units, activation):
    return compiled([keras.layers.Dense(units, activation=activation)] * hp.Int("layers", 1, 1))


class HM(keras_tuner.HyperModel):
    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, hp):
        return compiled([keras.layers.Dense(self.units), keras.layers.Dense(hp.Int("more", 1, 3))])


class Within:
    class Fitted(HM):
        def fit(self, hp, model, *args, **kwargs):
            return model.fit(*args, batch_size=hp.Choice("size", [8, 16]), **kwargs)


class Subclassed(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.hidden, self.out = keras.layers.Dense(units), keras.layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))


def without_input(hp):
    model = Subclassed(hp.Int("units", 2, 4))
    model.compile("sgd", "mse", metrics=["mae"])
    return model


# A cell of a notebook: it has no file.
exec(compile("def cell(hp):\n    return compiled([keras.layers.Dense(hp.Int('u', 1, 4))])\n", "<cell>", "exec"))

kinds = {
    "function": build,
    "lambda": lambda hp: compiled([keras.layers.Dense(hp.Int("units", 2, 3))]),
    "closure": closure(4),
    "partial": functools.partial(with_arguments, units=3, activation="relu"),
    "method": HM(2).build,
    "three": HM(3),
    "five": HM(5),
    "fit of a class within a class": Within.Fitted(4),
    "no input": without_input,
    "cell": cell,  # noqa: F821
}
rng = np.random.default_rng(0)
x = rng.normal(size=(64, 3)).astype("float32")
data = evo.Data(x, x.sum(axis=1), validation=0.25)
executor = LocalProcesses(1)
found = {}
for name, kind in kinds.items():
    campaign = evo.Campaign(
        spaces.from_hypermodel(kind, outputs=1, objective="-val_mae", builds=2),
        data,
        f"{folder}/{name}",
        budget=evo.Budget(trials=1),
        epochs=1,
        executor=executor,
        concurrency=1,
    )
    if not again:
        (trial,) = campaign.run().trials
        found[name] = [trial.outcome.status.value, trial.outcome.message, trial.outcome.parameters]
executor.shutdown()
try:
    evo.Campaign(
        spaces.from_hypermodel(HM(5), outputs=1, objective="-val_mae", builds=2),
        data,
        f"{folder}/three",
        budget=evo.Budget(trials=2),
        epochs=1,
        concurrency=1,
    )
except evo.errors.CampaignMismatchError as error:
    found["refused"] = str(error)
print(json.dumps(found))
