"""Which precision and which devices, and that results do not depend on how many."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evo.errors import SettingsError
from evo.training import TrainingSettings, precision, strategy, train
from evo.training.state import read_state
from evo.training.strategy import Placement, place


@pytest.mark.parametrize(
    ("kind", "capability", "policy"),
    [
        ("tpu", None, "mixed_bfloat16"),
        ("gpu", (9, 0), "mixed_bfloat16"),
        ("gpu", (8, 0), "mixed_bfloat16"),
        ("gpu", (7, 5), "mixed_float16"),
        ("gpu", (6, 1), "float32"),
        ("gpu", None, "float32"),
        ("cpu", None, "float32"),
    ],
)
def test_auto_precision_goes_by_the_device(kind, capability, policy):
    chosen, reason = precision.choose("auto", Placement(kind, "", compute_capability=capability))
    assert chosen == policy and reason


def test_precision_can_be_forced_and_is_checked():
    assert precision.choose("mixed_float16", Placement("cpu", ""))[0] == "mixed_float16"
    with pytest.raises(SettingsError, match="precision: expected one of auto, .*, got 'half'"):
        precision.choose("half", Placement("cpu", ""))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_weights_and_outputs_in_float32(space, make_task, policy):
    import keras

    genome = space.genome(kind="convolution", units=4, training={"learning_rate": 1e-3})
    settings = TrainingSettings(precision=policy)
    whole = train(make_task(genome, 0, 2, settings=settings))
    plain = train(make_task(genome, 0, 2))
    assert whole.outcome.completed, whole.outcome.message
    assert keras.config.dtype_policy().name == "float32"
    assert all(array.dtype == np.float32 for array in read_state(whole.state).weights.values())
    assert whole.predictions.dtype == np.float32
    np.testing.assert_allclose(whole.predictions.sum(1), 1, atol=1e-5)
    assert not np.array_equal(whole.predictions, plain.predictions)
    np.testing.assert_allclose(whole.predictions, plain.predictions, atol=0.1)
    first = train(make_task(genome, 0, 1, settings=settings))
    second = train(make_task(genome, 1, 2, settings=settings, start=first.state))
    assert Path(second.state).read_bytes() != Path(first.state).read_bytes()
    np.testing.assert_array_equal(whole.predictions, second.predictions)
    scale = [name for name in read_state(whole.state).optimizer if "scale" in name]
    assert bool(scale) is (policy == "mixed_float16")


def test_loss_is_scaled_once():
    import keras

    plain, scaled = keras.optimizers.SGD(), keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
    assert precision.scaled(plain, "mixed_float16").inner_optimizer is plain
    assert precision.scaled(scaled, "mixed_float16") is scaled
    assert precision.scaled(plain, "mixed_bfloat16") is plain


def test_gradients_that_overflow_are_no_divergence(space, make_task, monkeypatch):
    import keras

    monkeypatch.setattr(
        precision, "scaled", lambda optimizer, policy: keras.optimizers.LossScaleOptimizer(optimizer, 2.0**120)
    )
    genome = space.genome(kind="convolution", units=4, training={"batch": 8})
    report = train(make_task(genome, 0, 1, settings=TrainingSettings(precision="mixed_float16")))
    assert report.outcome.completed, report.outcome.message
    state = read_state(report.state).optimizer
    scale = next(value for name, value in state.items() if "scale" in name)
    assert float(scale) < 2.0**120


def test_strategies_that_cannot_be_had_say_so_in_one_line(space, make_task):
    with pytest.raises(SettingsError, match="sees no GPU"):
        place("gpu")
    with pytest.raises(SettingsError, match="'tpu' was asked for, but no TPU resolves") as caught:
        place("tpu")
    assert "\n" not in str(caught.value)
    with pytest.raises(SettingsError, match="strategy: expected one of auto, .*, got 'all'"):
        place("all")
    with pytest.raises(SettingsError, match="got 3"):
        place(3)
    chosen = place("auto")
    assert chosen.kind == "cpu" and "no GPU" in chosen.reason
    # The machine's fault, which must not become the outcome of a candidate.
    with pytest.raises(SettingsError, match="sees no GPU"):
        train(make_task(space.genome(), settings=TrainingSettings(strategy="gpu")))


def test_each_worker_has_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(strategy, "_gpus", lambda: ["first", "second", "third"])
    monkeypatch.setattr(strategy, "_capability", lambda: (8, 0))
    found = []
    for slot in ("0", "1", "2", "3"):
        monkeypatch.setenv(strategy.WORKER_SLOT, slot)
        found.append((place("gpu").device, place("auto").device))
    assert found == [(f"/GPU:{n}",) * 2 for n in (0, 1, 2, 0)]
    monkeypatch.delenv(strategy.WORKER_SLOT)
    assert place("gpu").device == "/GPU:0"


MIRRORED = """
import json, sys
import numpy as np
import tensorflow as tf
devices = int(sys.argv[1])
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
from tests.evo.training.training_space import TrainingSpace, digits_like
from evo.training import DataReference, TrainingSettings, TrialTask, train
from evo.training.state import read_state
space = TrainingSpace()
arrays = digits_like(rows=65)
arrays["weight_train"] = np.linspace(0.5, 1.5, 65).astype(np.float32)
found = {}
for name, settings in json.loads(sys.argv[2]).items():
    genome = space.genome(**settings)
    for strategy in ("cpu", "mirrored"):
        report = train(TrialTask(0, space.to_json(), genome.to_json(), 0, 1, 3, f"{sys.argv[3]}/{name}{strategy}",
                       DataReference("d", None, arrays), settings=TrainingSettings(strategy=strategy)))
        assert report.outcome.completed, report.outcome.message
        found[name, strategy] = read_state(report.state).weights, report.outcome.scores
    one, many = found[name, "cpu"], found[name, "mirrored"]
    for key in one[0]:
        np.testing.assert_allclose(one[0][key], many[0][key], atol=1e-5, err_msg=key)
    for key in one[1]:
        np.testing.assert_allclose(one[1][key], many[1][key], rtol=1e-4, err_msg=key)
print("equal")
"""


@pytest.mark.parametrize("replicas", [2, 4])
def test_replicas_together_compute_what_one_device_computes(tmp_path, replicas):
    genomes = {
        # 65 rows in batches of 16: the last batch has one row, fewer than there are replicas.
        "sgd": {"kind": "convolution", "units": 4, "penalty": 0.01, "training": {"optimizer": "sgd", "batch": 16}},
        "adam": {"units": 6, "training": {"batch": 24, "learning_rate": 0.001}},
    }
    folder = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED, str(replicas), json.dumps(genomes), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=250,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([folder, *filter(None, sys.path)])},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().endswith("equal")
