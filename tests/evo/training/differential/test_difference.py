"""The rule by which two trainings are compared."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.fidelity.difference import Training, largest, relative
from benchmarks.fidelity.distribution import unlikeness


def trained(loss=1.0, accuracy=0.5, weight=1.0):
    return Training({"loss": [loss], "accuracy": [accuracy]}, [np.array([weight, 0.0], np.float32)])


def test_the_same_trainings_do_not_differ():
    assert largest(trained(), trained()).value == 0


@pytest.mark.parametrize(
    ("ours", "value", "place"),
    [
        (trained(loss=1.5), 0.5, "loss of epoch 1"),
        (trained(accuracy=0.6), 0.2, "accuracy of epoch 1"),
        (trained(weight=1.25), 0.25, "weight 0"),
        (Training(problem="broke"), math.inf, "broke"),
        (Training({"loss": [1.0]}, trained().weights), math.inf, "no accuracy"),
        (Training({"loss": [1.0, 1.0], "accuracy": [0.5]}, trained().weights), math.inf, "2 epochs, not 1"),
        (Training(trained().curves, []), math.inf, "weights"),
        (trained(weight=math.nan), math.inf, "weight 0"),
        (trained(loss=math.nan), math.inf, "loss of epoch 1"),
    ],
)
def test_the_largest_difference_says_where_it_is(ours, value, place):
    found = largest(ours, trained())
    assert found.value == pytest.approx(value)
    assert found.place.startswith(place) or place in found.place


def test_what_keras_cannot_do_is_no_agreement():
    assert largest(Training(problem="too"), Training(problem="ValueError")).place == "Keras cannot: ValueError"


def test_a_trial_that_diverges_is_keras_where_keras_diverges():
    ended = Training(problem="epoch 1: not finite", diverged=True)
    assert largest(ended, Training({"loss": [0.3, math.nan]})).value == 0
    assert largest(ended, trained()).value == math.inf
    assert largest(Training(problem="broke"), Training({"loss": [math.nan]})).value == math.inf


def test_numbers_near_nothing_are_compared_with_a_hundredth_of_their_kind():
    assert relative(1e-9, 0.0, 1.0) == pytest.approx(1e-7)
    assert relative(0.0, 0.0, 0.0) == 0
    assert relative(1e-9, 0.0, 0.0) == math.inf
    assert relative(math.nan, math.nan, 1.0) == 0


def test_samples_of_trainings_are_alike_unless_that_is_very_unlikely():
    rng = np.random.default_rng(0)

    def sample(shift=0.0, spread=1.0):
        return [Training({"loss": [5.0, shift + spread * rng.normal()]}, []) for _ in range(20)]

    assert unlikeness(sample(), sample()).value <= 1
    assert unlikeness(sample(shift=3.0), sample()).value > 1
    # The same mean, but hardly any spread.
    assert unlikeness(sample(spread=1e-3), sample()).value > 1e-3
    assert unlikeness([Training(problem="broke")], sample()).place == "broke"
    assert unlikeness([Training({"mae": [1.0]}, [])], sample()[:1]).value == math.inf
