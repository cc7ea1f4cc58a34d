"""KerasTuner's own loop over the very same models, in a process of its own with TensorFlow's default threads.

    python -m benchmarks.throughput.keras_tuner_side FOLDER COUNT SEED

prints one JSON line. The first candidate warms the process up and is not counted.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.throughput.candidates import BATCH_SIZE, EPOCHS, genomes


def measure(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Train the candidates by ``keras_tuner.GridSearch`` over their numbers.

    Returns:
        ``seconds`` for all of them, and ``accuracies`` (validation, last epoch) by number.
    """
    import keras
    import keras_tuner

    from genomes.spaces.base import Space

    space: Any = Space.from_json(json.loads((folder / "space.json").read_text(encoding="utf-8")))
    arrays = {path.stem: np.load(path) for path in folder.glob("*.npy")}
    with np.load(folder / "preprocessing.npz", allow_pickle=False) as file:
        preprocessing = dict(file)
    candidates = genomes(count + 1)
    accuracies: dict[int, float] = {}

    class Loop(keras_tuner.GridSearch):  # type: ignore[misc]
        def on_epoch_end(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
            super().on_epoch_end(trial, model, epoch, logs)
            accuracies[trial.hyperparameters.get("candidate")] = float((logs or {}).get("val_accuracy", math.nan))

    def search(first: int, last: int, name: str) -> float:
        def build(hp: Any) -> Any:
            # The tuner has reset the global policy by clear_session: set again for each model.
            keras.config.set_dtype_policy("float32")
            number = hp.Int("candidate", first, last)
            genome = candidates[number]
            model = space.build(genome, preprocessing, seed=seed * 1000 + number)
            # XLA, Keras' default, is slower here: the other side of the comparison gets the faster choice.
            model.compile(space.optimizer(genome), space.loss(genome), metrics=space.metrics(), jit_compile=False)
            return model

        tuner = Loop(
            build,
            objective=keras_tuner.Objective("val_accuracy", "max"),
            seed=seed + 1,
            directory=str(folder / "keras_tuner"),
            project_name=f"{name}-{seed}",
            overwrite=True,
            max_consecutive_failed_trials=10**6,
        )
        began = time.perf_counter()
        tuner.search(
            arrays["x_train"],
            arrays["y_train"],
            epochs=EPOCHS,
            batch_size=BATCH_SIZE,
            verbose=0,
            validation_data=(arrays["x_validation"], arrays["y_validation"]),
        )
        return time.perf_counter() - began

    search(count, count, "warm")
    accuracies.clear()
    seconds = search(0, count - 1, "measured")
    return {"seconds": seconds, "accuracies": [accuracies.get(number, math.nan) for number in range(count)]}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
