from __future__ import annotations

import numpy as np
import pytest

from genomes.errors import GenomeError
from genomes.targets import Binary, Multiclass, Multilabel, Regression, Target, as_target, tasks


def labels(target: Target, rows: int, rng: np.random.Generator) -> np.ndarray:
    if target.task == "regression":
        return rng.normal(size=(rows, target.outputs))
    if target.task == "multiclass":
        return rng.integers(0, target.outputs, rows)
    return rng.integers(0, 2, (rows, target.outputs))


TARGETS = [Binary(), Multiclass(5), Multilabel(3), Regression(2)]


def test_inference_from_what_users_write() -> None:
    assert Target.infer(classes=10) == Multiclass(10)
    assert Target.infer(classes=2) == Binary() == Binary(2)
    assert Target.infer(classes=2, task="multiclass") == Multiclass(2)
    assert Target.infer(labels=4) == Multilabel(4)
    assert Target.infer(outputs=1) == Regression(1) != Multilabel(1)
    assert Target.infer(task="binary") == Binary()
    assert Target.infer(task=Multiclass(3)) == Multiclass(3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Target.infer(), "exactly one of classes="),
        (lambda: Target.infer(classes=2, outputs=1), "exactly one of classes="),
        (lambda: Target.infer(classes=1), "classes: expected a whole number of 2 or more, got 1"),
        (lambda: Target.infer(classes="ten"), "classes: expected a whole number, got 'ten'"),
        (lambda: Target.infer(outputs=0), "expected a whole number of 1 or more, got 0"),
        (lambda: as_target("ranking"), "task: expected one of"),
        (lambda: Target.infer(outputs=2, task="ranking"), "task: expected one of"),
        (lambda: Target.infer(classes=2, task=Binary(), outputs=1), "exactly one of classes="),
        (lambda: Target.from_json({"task": "binary", "outputs": 1, "depth": 3}), "does not fit Binary"),
        (lambda: Multiclass().width, "is not known"),
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
    assert float(TARGETS[1].loss()(y, predictions)) == pytest.approx(-(np.log(0.7) + np.log(0.3)) / 2, rel=1e-4)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.task)
def test_json_is_identity(target: Target) -> None:
    assert Target.from_json(target.to_json()) == target
    assert target.objective == ("-val_rmse" if target.task == "regression" else "val_accuracy")
    assert target.task in tasks() and as_target(target.task, target.outputs) == target and as_target(target) is target


def test_json_is_what_it_was_before_targets_had_classes() -> None:
    assert [target.to_json() for target in TARGETS] == [
        {"task": "binary", "outputs": 1},
        {"task": "multiclass", "outputs": 5},
        {"task": "multilabel", "outputs": 3},
        {"task": "regression", "outputs": 2},
    ]
    assert all(target.is_named_fully for target in TARGETS)


@pytest.mark.parametrize(
    ("y", "task", "arguments"),
    [
        (np.array([0, 2, 1]), None, {"classes": 4}),
        (np.array([0, 1, 1]), "binary", {"classes": 4}),
        (np.array([0.5, 1.0, 1.0]), None, {"outputs": 1}),
        (np.array([0, 1, 1]), "regression", {"outputs": 1}),
        (np.zeros((3, 2)), None, {"outputs": 2}),
        (np.zeros((3, 2), int), None, {"classes": 2}),
        (np.zeros((3, 2), int), "multilabel", {"labels": 2}),
        (np.zeros((3, 2), int), "unheard of", {"classes": 2}),
    ],
)
def test_arguments_are_read_off_labels(y: np.ndarray, task: str | None, arguments: dict[str, int]) -> None:
    assert Target.arguments_for(y, np.array([3]), task) == arguments


def test_a_name_is_given_once() -> None:
    with pytest.raises(GenomeError, match=r"'binary' is the name of genomes.targets.binary.Binary"):

        class Other(Regression):
            task = "binary"

    assert as_target("binary") == Binary()


def test_a_kind_between_others_has_no_name_and_is_not_registered() -> None:
    before = tasks()

    class Between(Regression):
        pass

    assert tasks() == before


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.task)
def test_predictions_are_decoded_to_labels(target: Target) -> None:
    y = labels(target, 30, np.random.default_rng(3))
    encoded = target.as_targets(y, target.outputs)
    perfect = target.as_outputs(encoded, target.width)
    assert perfect.shape == (30, target.outputs)
    np.testing.assert_allclose(target.decode(perfect), y.reshape(target.decode(perfect).shape), rtol=1e-6)
    truth = target.true_decisions(encoded)
    assert (truth is None) == (not target.gives_probabilities)
    if truth is not None:
        np.testing.assert_array_equal(target.decisions(perfect), truth)
        probabilities = target.probabilities(perfect)
        assert probabilities.shape == (30, 2 if target.task == "binary" else target.outputs)
    else:
        with pytest.raises(GenomeError, match="no probabilities"):
            target.probabilities(perfect)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.task)
def test_links_are_inverse_to_each_other_and_the_same_in_keras(target: Target) -> None:
    import keras

    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, (20, target.width))
    if target.task == "multiclass":
        p /= p.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(target.inverse_link(target.link(p)), p, rtol=1e-9)
    tensor = keras.ops.convert_to_tensor(p, dtype="float32")
    np.testing.assert_allclose(np.asarray(target.keras_link(tensor)), target.link(p), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.asarray(target.keras_inverse_link(target.keras_link(tensor))), p, rtol=1e-4)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.task)
def test_default_of_stacking_and_temperature_is_what_kinds_say_in_their_own_way(target: Target) -> None:
    """A new kind may leave both out: central differences and row losses give the same."""
    rng = np.random.default_rng(1)
    encoded = target.as_targets(labels(target, 25, rng), target.outputs)
    predictions = target.inverse_link(rng.normal(size=(25, target.width)))
    if target.gives_probabilities:
        own, general = (kind.tempered_loss(target, predictions, encoded) for kind in (type(target), Target))
        assert own(0.7) == pytest.approx(general(0.7), rel=1e-6)
    if target.least_squares:
        return
    share = np.full(25, 1 / 25)
    value, slope = target.stacking_loss(target.link(predictions), encoded, share)
    other, numerical = Target.stacking_loss(target, target.link(predictions), encoded, share)
    assert value == pytest.approx(other, rel=1e-6)
    np.testing.assert_allclose(slope, numerical, atol=1e-7)
