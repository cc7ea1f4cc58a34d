"""A user's program: Keras callbacks in the trials of two workers, then Keras' own ``fit`` beside each trial.

Prints one JSON object: what the callback of the program's own wrote, per trial, and the largest relative difference.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

import evo
import genomes
from evo.core.randomness import training_seed
from evo.training.trial import epoch_order

OUT = Path(sys.argv[1])
SEED, BATCH = 3, 32
X = np.random.default_rng(0).normal(size=(120, 6)).astype("float32")
DATA = evo.Data(X, np.tanh(X[:, :1] + X[:, 1:2] * X[:, 2:3]), validation=0.25, seed=0)


def build(hp: Any) -> keras.Model:
    inputs = keras.Input((6,))
    x = keras.layers.Dense(hp.Int("units", 3, 12), "tanh")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(x))
    model.compile(keras.optimizers.SGD(hp.Float("rate", 0.05, 0.6)), "mse", metrics=["mae"])
    return model


class Own(keras.callbacks.Callback):
    """Of the script itself; remembers what it heard, and writes it down at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[int] = []
        self.batches: list[int] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.kept_before = [list(self.epochs), logs or {}]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.batches.append(0)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        assert batch == self.batches[-1] and set(logs) == {"loss", "mae"}
        self.batches[-1] += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append(epoch)
        logs["kernel"] = float(np.abs(self.model.get_weights()[0]).sum())
        logs["iterations"] = float(self.model.optimizer.iterations)

    def on_train_end(self, logs: Any = None) -> None:
        told = {name: self.params[name] for name in ("epochs", "steps")}
        heard = {"kept_before": self.kept_before, "epochs": self.epochs, "batches": self.batches, "params": told}
        if "trial" in self.params:
            text = json.dumps({**heard, "logs": sorted(logs), "process": os.getpid()})
            (OUT / f"own-{self.params['trial']}.json").write_text(text)


def callbacks() -> list[Any]:
    return [
        Own(),
        keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1),
        keras.callbacks.CSVLogger(str(OUT / "log.csv")),
    ]


class Rows(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of an epoch in evo's order."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed, self.epoch = seed, 0

    def __len__(self) -> int:
        return math.ceil(DATA.rows / BATCH)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        rows = epoch_order(self.seed, self.epoch, DATA.rows)[index * BATCH : (index + 1) * BATCH]
        return DATA.x_train[rows], DATA.y_train[rows]


def by_hand(space: Any, chain: list[evo.Trial]) -> dict[str, list[float]]:
    """History of the last of several calls of ``fit``, one for each trial that continues another."""
    seed = training_seed(SEED, chain[0].number)
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed % 2**32)
    model, rows = space.build(chain[0].genome), Rows(seed)
    for trial in chain:
        follow = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(rows, "epoch", epoch))
        history = model.fit(
            rows,
            initial_epoch=trial.proposal.first_epoch,
            epochs=trial.proposal.last_epoch,
            validation_data=(DATA.x_validation, DATA.y_validation),
            validation_batch_size=BATCH,
            shuffle=False,
            verbose=0,
            callbacks=[follow, *callbacks()],
        ).history
    return dict(history)


def main() -> None:
    space = genomes.spaces.from_hypermodel(build, objective="-val_loss", batch_size=BATCH)
    budget = evo.Budget(trials=6)
    campaign = evo.Campaign(
        space, DATA, OUT / "campaign", budget=budget, epochs=6, seed=SEED, callbacks=callbacks(), verbose=False
    )
    history = campaign.run().history
    difference, heard = 0.0, {}
    for trial in history:
        assert trial.outcome is not None and trial.outcome.completed, trial
        chain = [trial]
        while chain[0].proposal.continues is not None:
            chain.insert(0, history[chain[0].proposal.continues])
        keras_curves = by_hand(space, chain)
        assert set(keras_curves) == set(trial.outcome.curves), trial
        for name, expected in keras_curves.items():
            given = trial.outcome.curves[name]
            assert len(given) == len(expected), (trial, name)
            difference = max(
                difference, float(np.max(np.abs(np.subtract(given, expected)) / (np.abs(expected) + 1e-3)))
            )
        own = json.loads((OUT / f"own-{trial.number}.json").read_text())
        heard[trial.number] = {**own, "asked": [trial.proposal.first_epoch, trial.proposal.last_epoch]}
    print(json.dumps({"difference": difference, "heard": heard}))


if __name__ == "__main__":
    main()
