from __future__ import annotations

import numpy as np
import pytest

from genomes.errors import GenomeError
from genomes.targets import TASKS, Target


def labels(target: Target, rows: int, rng: np.random.Generator) -> np.ndarray:
    if target.task == "regression":
        return rng.normal(size=(rows, target.outputs))
    if target.task == "multiclass":
        return rng.integers(0, target.outputs, rows)
    return rng.integers(0, 2, (rows, target.outputs))


TARGETS = [Target("binary"), Target("multiclass", 5), Target("multilabel", 3), Target("regression", 2)]


def test_inference_from_what_users_write() -> None:
    assert Target.infer(classes=10) == Target("multiclass", 10)
    assert Target.infer(classes=2) == Target("binary", 1)
    assert Target.infer(classes=2, task="multiclass") == Target("multiclass", 2)
    assert Target.infer(labels=4) == Target("multilabel", 4)
    assert Target.infer(outputs=1) == Target("regression", 1)
    assert Target.infer(task="binary") == Target("binary")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Target.infer(), "exactly one of classes="),
        (lambda: Target.infer(classes=2, outputs=1), "exactly one of classes="),
        (lambda: Target.infer(classes=1), "classes: expected a whole number from 2, got 1"),
        (lambda: Target.infer(classes="ten"), "classes: expected a whole number, got 'ten'"),
        (lambda: Target.infer(outputs=0), "expected a whole number from 1, got 0"),
        (lambda: Target("ranking"), "task: expected one of"),
    ],
)
def test_wrong_targets_are_named(make, words: str) -> None:
    with pytest.raises(GenomeError) as error:
        make()
    assert words in str(error.value)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.task)
def test_good_labels_pass_and_take_one_form(target: Target) -> None:
    y = labels(target, 20, np.random.default_rng(0))
    target.check(y)
    prepared = target.prepare(y)
    if target.task == "multiclass":
        assert prepared.shape == (20,) and prepared.dtype == np.int32
        np.testing.assert_array_equal(prepared, y)
        one_hot = np.eye(5)[y]
        target.check(one_hot)
        np.testing.assert_array_equal(target.prepare(one_hot), y)
        np.testing.assert_array_equal(target.prepare(y[:, None]), y)
    else:
        assert prepared.shape == (20, target.outputs) and prepared.dtype == np.float32


@pytest.mark.parametrize(
    ("target", "y", "words"),
    [
        (TARGETS[1], np.array([0, 5]), "y_train: expected whole numbers 0 to 4, got values from 0 to 5"),
        (TARGETS[1], np.array([-1, 2]), "from -1 to 2"),
        (TARGETS[1], np.array([0.5, 2]), "expected whole numbers"),
        (TARGETS[1], np.array([0.0, np.nan]), "y_train: holds NaN"),
        (TARGETS[1], np.ones((2, 5)), "one-hot"),
        (TARGETS[1], np.zeros((2, 4)), "expected shape (2,) or (2, 1), got (2, 4)"),
        (TARGETS[1], np.array(["a", "b"]), "expected numbers, got dtype"),
        (TARGETS[0], np.array([0, 2]), "0 to 1"),
        (TARGETS[0], np.array(3), "got ()"),
        (TARGETS[2], np.zeros((4, 2)), "expected shape (4, 3), got (4, 2)"),
        (TARGETS[3], np.array([[1.0, np.inf]]), "NaN or infinite"),
        (TARGETS[3], np.zeros(3), "expected shape (3, 2), got (3,)"),
    ],
)
def test_bad_labels_are_named(target: Target, y: np.ndarray, words: str) -> None:
    with pytest.raises(GenomeError) as error:
        target.check(y, "y_train")
    assert words in str(error.value)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.task)
def test_head_loss_and_metrics_fit_each_other(target: Target) -> None:
    import keras

    x = keras.Input((4,))
    model = keras.Model(x, target.head(x))
    inputs = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
    predictions = np.asarray(keras.ops.convert_to_numpy(model(inputs)))
    assert predictions.shape == (6, target.outputs) and predictions.dtype == np.float32
    if target.task == "multiclass":
        np.testing.assert_allclose(predictions.sum(axis=1), 1, rtol=1e-5)
    y = target.prepare(labels(target, 6, np.random.default_rng(2)))
    assert np.isfinite(float(target.loss()(y, predictions)))
    for metric in target.metrics():
        metric.update_state(y, predictions)
        assert np.isfinite(float(metric.result()))
    smoothed = target.loss(label_smoothing=0.1)
    assert np.isfinite(float(smoothed(np.eye(5)[y] if target.task == "multiclass" else y, predictions)))


def test_multiclass_accuracy_and_loss_are_right() -> None:
    predictions = np.array([[0.7, 0.3, 0, 0, 0], [0.1, 0.2, 0.3, 0.4, 0]], np.float32)
    y = np.array([0, 2], np.int32)
    metric = TARGETS[1].metrics()[0]
    metric.update_state(y, predictions)
    assert metric.name == "accuracy" and float(metric.result()) == 0.5
    assert float(TARGETS[1].loss()(y, predictions)) == pytest.approx(
        -(np.log(0.7) + np.log(0.3)) / 2, rel=1e-4
    )


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.task)
def test_json_is_identity(target: Target) -> None:
    assert Target.from_json(target.to_json()) == target
    assert target.objective == ("-val_rmse" if target.task == "regression" else "val_accuracy")
    assert target.task in TASKS
