"""A trial: what it reports, how it resumes, what ends it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evo.core.trial import Status
from evo.errors import StorageError
from evo.training import TrainingSettings, load_model, train
from evo.training import trial as trial_module
from evo.training.backends.choice import engine_cache
from evo.training.state import read_state
from genomes.costs import Cost
from tests.evo.training.training_space import TrainingSpace, digits_like

#: Everything that has a state: dropout, batch statistics, slots, decay, noise, a partial last batch.
RICH = {
    "kind": "convolution",
    "units": 4,
    "normalization": True,
    "dropout": 0.3,
    "penalty": 0.001,
    "training": {"weight_decay": 0.01, "noise": 0.1, "batch": 32},
}


def test_a_trial_reports_curves_scores_predictions_and_a_state(space, make_task):
    task = make_task(space.genome(units=6), last=3)
    report = train(task)
    outcome = report.outcome
    assert outcome.status is Status.COMPLETED, outcome.message
    assert set(outcome.curves) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(len(curve) == 3 for curve in outcome.curves.values())
    assert outcome.scores == {name: curve[-1] for name, curve in outcome.curves.items()}
    assert outcome.epochs == 3 and outcome.parameters == 64 * 6 + 6 + 6 * 3 + 3 and outcome.flops == 2 * 64 * 6
    assert {"load", "build", "trace", "train", "evaluate", "save"} <= set(outcome.seconds)
    assert report.predictions.shape == (30, 3) and report.predictions.dtype == np.float32
    accuracy = float(np.mean(report.predictions.argmax(1) == digits_like()["y_validation"]))
    assert outcome.scores["val_accuracy"] == pytest.approx(accuracy)


def test_the_stored_model_predicts_what_the_trial_predicted(space, make_task):
    genome = space.genome(**RICH)
    report = train(make_task(genome))
    model = load_model(space, genome, None, report.state)
    predicted = model.predict(digits_like()["x_validation"], verbose=0)
    np.testing.assert_allclose(predicted, report.predictions, atol=1e-6)


@pytest.mark.parametrize("settings", [RICH, {"training": {"optimizer": "sgd", "smoothing": 0.1}}])
def test_stopping_and_going_on_changes_no_bit(space, make_task, settings):
    genome = space.genome(**settings)
    whole = train(make_task(genome, 0, 3))
    first = train(make_task(genome, 0, 1))
    engine_cache().clear()
    second = train(make_task(genome, 1, 3, start=first.state))
    np.testing.assert_array_equal(whole.predictions, second.predictions)
    assert whole.outcome.curves["val_loss"][1:] == second.outcome.curves["val_loss"]
    one, other = read_state(whole.state), read_state(second.state)
    for group in ("weights", "seeds", "optimizer"):
        assert list(getattr(one, group)) == list(getattr(other, group))
        for name, value in getattr(one, group).items():
            np.testing.assert_array_equal(value, getattr(other, group)[name], err_msg=name)


def test_a_killed_trial_goes_on_from_its_last_saved_epoch(space, make_task, monkeypatch):
    genome = space.genome(**RICH)
    whole = train(make_task(genome, 0, 3))
    monkeypatch.setattr(trial_module, "SAVE_EVERY", 0.0)
    task = make_task(genome, 0, 3)
    epochs = []

    def killed(seed: int, epoch: int, rows: int) -> np.ndarray:
        epochs.append(epoch)
        if len(epochs) == 3:
            raise KeyboardInterrupt
        return order(seed, epoch, rows)

    order = trial_module.epoch_order
    monkeypatch.setattr(trial_module, "epoch_order", killed)
    with pytest.raises(KeyboardInterrupt):
        train(task)
    again = train(task)
    assert epochs == [0, 1, 2, 2]
    assert again.outcome == whole.outcome
    assert Path(again.state).read_bytes() == Path(whole.state).read_bytes()
    np.testing.assert_array_equal(again.predictions, whole.predictions)


def test_an_engine_used_again_gives_the_same_bytes(space, make_task):
    child = space.genome(**{**RICH, "dropout": 0.6, "training": {**RICH["training"], "learning_rate": 0.003}})
    parent = space.genome(**RICH)
    fresh = train(make_task(child))
    engine_cache().clear()
    train(make_task(parent, seed=5))
    hits = engine_cache().hits
    reused = train(make_task(child))
    assert engine_cache().hits == hits + 1
    assert "trace" not in reused.outcome.seconds
    assert Path(fresh.state).read_bytes() == Path(reused.state).read_bytes()
    other = train(make_task(space.genome(**{**RICH, "units": 5})))
    assert "trace" in other.outcome.seconds


def test_a_climbing_trial_is_neither_built_nor_traced_again(space, make_task, monkeypatch):
    genome = space.genome(**RICH)
    first = train(make_task(genome, 0, 1))
    monkeypatch.setattr(TrainingSpace, "build", None)
    second = train(make_task(genome, 1, 2, start=first.state))
    assert second.outcome.completed, second.outcome.message
    assert "trace" not in second.outcome.seconds


def test_a_deadline_stops_a_trial_after_an_epoch_that_counts(space, make_task):
    genome = space.genome(units=6)
    late = train(make_task(genome, last=5, deadline=0.0))
    assert late.outcome.completed and late.outcome.epochs == 1
    assert "time is up" in late.outcome.message and late.predictions is not None
    gone_on = train(make_task(genome, first=1, last=2, start=late.state))
    whole = train(make_task(genome, last=2))
    np.testing.assert_array_equal(gone_on.predictions, whole.predictions)


def test_divergence_ends_a_trial_early_with_epoch_and_cause(space, make_task):
    genome = space.genome(units=8, training={"optimizer": "sgd", "learning_rate": 1e20})
    report = train(make_task(genome, last=5))
    assert report.outcome.status is Status.DIVERGED
    assert report.outcome.message.startswith("epoch 1") and report.outcome.epochs == 0
    assert report.predictions is None and report.state is None


def test_a_broken_gene_fails_with_its_path(space, make_task):
    report = train(make_task(space.genome(kind="broken")))
    assert report.outcome.status is Status.FAILED
    assert "genes[0]" in report.outcome.message and "this gene is broken" in report.outcome.message


def test_what_only_the_built_model_tells_is_rejected_before_it_is_trained(space, make_task, monkeypatch):
    monkeypatch.setattr(TrainingSpace, "cost", lambda self, genome: Cost())
    monkeypatch.setattr(TrainingSpace, "learning_rates", None)
    report = train(make_task(space.genome(units=9), settings=TrainingSettings(parameters=100)))
    assert report.outcome.status is Status.REJECTED
    # 64 pixels to 9 units to 3 classes
    assert report.outcome.message == "parameters: 615 needed, the limit is 100"
    assert (report.outcome.parameters, report.outcome.epochs) == (615, 0)


def test_what_was_trained_once_may_go_on_whatever_its_size(space, make_task, monkeypatch):
    monkeypatch.setattr(TrainingSpace, "cost", lambda self, genome: Cost())
    first = train(make_task(space.genome(units=9), 0, 1))
    second = train(make_task(space.genome(units=9), 1, 2, start=first.state, settings=TrainingSettings(parameters=100)))
    assert second.outcome.completed


def test_missing_or_foreign_states_are_no_outcome_of_the_candidate(space, make_task, tmp_path):
    with pytest.raises(StorageError, match=r"gone\.h5"):
        train(make_task(space.genome(), 1, 2, start=str(tmp_path / "gone.h5")))
    other = train(make_task(space.genome(units=5), 0, 1))
    with pytest.raises(StorageError, match="shape"):
        train(make_task(space.genome(units=6), 1, 2, start=other.state))
    with pytest.raises(StorageError, match="epoch 1"):
        train(make_task(space.genome(units=5), 2, 3, start=other.state))


def test_a_child_inherits_by_mark(space, make_task):
    parent = train(make_task(space.genome(units=6), last=2))
    child = space.genome(units=6, training={"learning_rate": 1e-5})
    task = make_task(child, last=1, inherit=parent.state, inherit_genome=space.genome(units=6).to_json())
    report = train(task)
    assert report.outcome.scores["val_loss"] == pytest.approx(parent.outcome.scores["val_loss"], abs=0.01)
    # Into an engine that is kept, too.
    again = train(make_task(child, last=1, inherit=parent.state, inherit_genome=space.genome(units=6).to_json()))
    assert Path(report.state).read_bytes() == Path(again.state).read_bytes()


def test_latency_is_measured_where_it_is_asked_for(space, make_task):
    report = train(make_task(space.genome(), last=1, settings=TrainingSettings(measured=("latency",))))
    assert report.outcome.scores["latency"] > 0


def test_out_of_device_memory_halves_the_batch_and_says_so(space, make_task, monkeypatch):
    from evo.training.backends.tensorflow.engine import TensorFlowEngine

    sizes = []
    original = TensorFlowEngine.train_epoch

    def exhausted(self, *arguments):
        sizes.append(self.batch_size)
        if self.batch_size > 8:
            raise type("ResourceExhaustedError", (Exception,), {})("no memory")
        return original(self, *arguments)

    monkeypatch.setattr(TensorFlowEngine, "train_epoch", exhausted)
    report = train(make_task(space.genome(training={"batch": 32}), last=1))
    assert sizes == [32, 16, 8]
    assert report.outcome.completed and "batch divided by 4" in report.outcome.message
    report = train(make_task(space.genome(training={"batch": 64}), last=1))
    assert report.outcome.status is Status.FAILED and "no memory" in report.outcome.message
