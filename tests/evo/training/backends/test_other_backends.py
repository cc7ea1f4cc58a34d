"""The same trials on Keras' other backends, each in a process of its own; skipped where one is not installed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
import numpy as np
from tests.evo.training.training_space import TrainingSpace, digits_like
from evo.core.trial import Status
from evo.errors import SettingsError
from evo.training import DataReference, TrainingSettings, TrialTask, load_model, train
from evo.training.backends.choice import engine_cache
from evo.training.shipped_callbacks import ShippedCallbacks
from evo.training.state import read_state

space = TrainingSpace()
folder, number = sys.argv[1], iter(range(100))

def task(genome, first, last, arrays=None, **changes):
    arrays = arrays or digits_like()
    own = next(number)
    return TrialTask(own, space.to_json(), genome.to_json(), first, last, 5, f"{folder}/{own}",
                     DataReference(str(sorted(arrays)), None, arrays), **changes)

rich = space.genome(kind="convolution", units=4, normalization=True, dropout=0.3, penalty=0.001,
                    training={"weight_decay": 0.01, "noise": 0.1, "batch": 32})
whole = train(task(rich, 0, 3))
assert whole.outcome.completed, whole.outcome.message
assert set(whole.outcome.curves) == {"loss", "accuracy", "val_loss", "val_accuracy"}
first = train(task(rich, 0, 1))
engine_cache().clear()
second = train(task(rich, 1, 3, start=first.state))
assert second.outcome.completed, second.outcome.message
one, other = read_state(whole.state), read_state(second.state)
for group in ("weights", "seeds", "optimizer"):
    for name, value in getattr(one, group).items():
        np.testing.assert_array_equal(value, getattr(other, group)[name], err_msg=name)
np.testing.assert_array_equal(whole.predictions, second.predictions)
model = load_model(space, rich, None, whole.state)
np.testing.assert_allclose(model.predict(digits_like()["x_validation"], verbose=0), whole.predictions, atol=1e-5)

weighted = {**digits_like(), "weight_train": np.linspace(0, 2, 90).astype(np.float32)}
smooth = train(task(space.genome(units=6, training={"smoothing": 0.1}), 0, 1, weighted))
assert smooth.outcome.completed, smooth.outcome.message
wild = train(task(space.genome(units=8, training={"optimizer": "sgd", "learning_rate": 1e20}), 0, 3))
assert wild.outcome.status is Status.DIVERGED and wild.outcome.message.startswith("epoch 1"), wild.outcome
broken = train(task(space.genome(kind="broken"), 0, 1))
assert broken.outcome.status is Status.FAILED and "genes[0]" in broken.outcome.message
try:
    train(task(space.genome(), 0, 1, settings=TrainingSettings(strategy="tpu")))
except SettingsError as error:
    # The machine's fault, which must not become the outcome of a candidate.
    assert "strategy: 'tpu'" in str(error), error
else:
    raise AssertionError("there is no TPU here")
half = train(task(rich, 0, 1, settings=TrainingSettings(precision="mixed_bfloat16")))
assert half.outcome.completed, half.outcome.message
# With a callback of the user's own Keras' fit trains, with the rates of the genome.
import keras
class Own(keras.callbacks.Callback):
    pass
plain = space.genome(units=6)
ends = [train(task(plain, 0, 2, callbacks=ShippedCallbacks(given))) for given in ([], [Own()])]
assert all(end.outcome.completed for end in ends), [end.outcome.message for end in ends]
one, other = (read_state(end.state).weights for end in ends)
for name, value in one.items():
    np.testing.assert_allclose(value, other[name], atol=1e-4, err_msg=name)
print("scores", whole.outcome.scores["val_loss"])
"""


def run(backend: str, tmp_path: Path, script: str, **environment: str) -> str:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": path, **environment},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_trials_train_stop_go_on_diverge_and_fail(backend, tmp_path):
    assert run(backend, tmp_path, SCRIPT).startswith("scores")


MIRRORED = """
import sys
import numpy as np
from tests.evo.training.training_space import TrainingSpace, digits_like
from evo.training import DataReference, TrainingSettings, TrialTask, train
from evo.training.state import read_state

space = TrainingSpace()
genome = space.genome(units=6, training={"optimizer": "sgd", "batch": 16})
found = {}
for name in ("cpu", "mirrored"):
    report = train(TrialTask(0, space.to_json(), genome.to_json(), 0, 1, 3, f"{sys.argv[1]}/{name}",
                             DataReference("d", None, digits_like(rows=80)), settings=TrainingSettings(strategy=name)))
    assert report.outcome.completed, report.outcome.message
    found[name] = read_state(report.state).weights
for key, value in found["cpu"].items():
    np.testing.assert_allclose(value, found["mirrored"][key], atol=1e-5, err_msg=key)
print("equal")
"""


def test_jax_splits_a_batch_among_devices(tmp_path):
    flags = "--xla_force_host_platform_device_count=2"
    assert run("jax", tmp_path, MIRRORED, XLA_FLAGS=flags).strip() == "equal"
