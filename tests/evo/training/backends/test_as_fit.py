"""What the compiled epoch computes is what Keras' own ``fit`` computes."""

from __future__ import annotations

import numpy as np
import pytest

from evo.training import train
from evo.training.state import read_state
from evo.training.trial import epoch_order
from tests.evo.training.training_space import digits_like

CASES = {
    "adam": {"units": 6},
    "decay": {"units": 6, "training": {"weight_decay": 0.1}},
    "momentum": {"units": 6, "training": {"optimizer": "sgd"}},
    "regularised": {"units": 6, "penalty": 0.05},
    "smoothed": {"units": 6, "training": {"smoothing": 0.2}},
    "normalised": {
        "kind": "convolution",
        "units": 3,
        "normalization": True,
        "training": {"optimizer": "sgd", "batch": 40},
    },
    "normalised-vector": {"units": 6, "normalization": True, "training": {"optimizer": "sgd", "batch": 30}},
    "convolution": {"kind": "convolution", "units": 3, "training": {"optimizer": "sgd", "batch": 40}},
}


@pytest.mark.parametrize(
    ("case", "weighted"), [*((case, False) for case in sorted(CASES)), ("smoothed", True), ("decay", True)]
)
def test_an_epoch_equals_fit(space, make_task, case, weighted):
    import keras

    genome = space.genome(**CASES[case])
    arrays = digits_like()
    if weighted:
        arrays["weight_train"] = np.linspace(0, 2, 90).astype(np.float32)
    task = make_task(genome, last=1, arrays=arrays)
    report = train(task)
    assert report.outcome.completed, report.outcome.message

    keras.utils.clear_session()
    model = space.build(genome, None, "float32", seed=task.seed)
    optimizer = space.optimizer(genome)
    batch = space.batch_size(genome)
    rates = iter(space.learning_rates(genome, 0, 1, False, -(-90 // batch)))

    class Rates(keras.callbacks.Callback):
        def on_train_batch_begin(self, step: int, logs: object = None) -> None:
            optimizer.learning_rate = float(next(rates))

    smooth = space.needs_soft_targets(genome)
    model.compile(optimizer, space.loss(genome), metrics=[] if smooth else space.metrics(), jit_compile=False)
    order = epoch_order(task.seed, 0, 90)
    y = arrays["y_train"][order]
    history = model.fit(
        arrays["x_train"][order],
        np.eye(3, dtype=np.float32)[y] if smooth else y,
        batch_size=batch,
        shuffle=False,
        verbose=0,
        callbacks=[Rates()],
        sample_weight=arrays["weight_train"][order] if weighted else None,
    ).history
    assert report.outcome.scores["loss"] == pytest.approx(history["loss"][0], rel=1e-5)
    if not smooth:
        assert report.outcome.scores["accuracy"] == pytest.approx(history["accuracy"][0], rel=1e-6)
    weights = read_state(report.state).weights.values()
    for ours, theirs in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    if not smooth and not weighted:
        scores = model.evaluate(arrays["x_validation"], arrays["y_validation"], verbose=0, return_dict=True)
        assert report.outcome.scores["val_loss"] == pytest.approx(scores["loss"], rel=1e-4)
        assert report.outcome.scores["val_accuracy"] == pytest.approx(scores["accuracy"], rel=1e-6)


def test_bytes_and_doubles_are_trained_as_float32(space, make_task):
    arrays = digits_like()
    whole = {name: np.clip(np.round(a * 10 + 100), 0, 255) if name[0] == "x" else a for name, a in arrays.items()}
    reports = []
    for dtype in (np.float32, np.uint8, np.float64):
        typed = {name: a.astype(dtype) if name[0] == "x" else a for name, a in whole.items()}
        reports.append(train(make_task(space.genome(training={"learning_rate": 1e-4}), last=1, arrays=typed)))
    for report in reports[1:]:
        np.testing.assert_array_equal(report.predictions, reports[0].predictions)


def test_validation_in_several_batches_equals_one(space, make_task, monkeypatch):
    from evo.training.backends.choice import engine_cache
    from evo.training.backends.tensorflow import engine as tensorflow_engine

    whole = train(make_task(space.genome(), last=1))
    engine_cache().clear()
    monkeypatch.setattr(tensorflow_engine, "EVALUATION_ROWS", 7)
    parts = train(make_task(space.genome(), last=1))
    np.testing.assert_allclose(parts.predictions, whole.predictions, atol=1e-6)
    assert parts.outcome.scores["val_loss"] == pytest.approx(whole.outcome.scores["val_loss"], rel=1e-5)
