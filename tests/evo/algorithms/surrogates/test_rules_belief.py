"""Rules of the belief: what the surrogate is fitted to, and what it is asked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from evo import History
from evo.algorithms import Ladder
from evo.algorithms.surrogates.gaussian_process import GaussianProcess, RungKernel
from tests.evo.search_parts import Belief, last_choice, observations
from tests.evo.small_histories import SPACE, Row, done, failed, found_in, genome, history_of, waiting

LADDER = Ladder((1, 3, 9))


class Recorder:
    """A surrogate that remembers what it is called with, and predicts 7, 8, 9, ..."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def choose(self, x: np.ndarray, y: np.ndarray) -> None:
        self.calls.append(("choose", x.tolist(), y.tolist()))

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self.calls.append(("fit", x.tolist(), y.tolist()))

    def means(self, x: np.ndarray) -> np.ndarray:
        self.calls.append(("means", x.tolist()))
        return 7.0 + np.arange(len(x))

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.calls.append(("predict", x.tolist()))
        return 7.0 + np.arange(len(x)), np.zeros(len(x))

    def named(self, name: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]


def fitted(history: History, rows: int = 300) -> tuple[bool, Recorder, Belief]:
    recorder = Recorder()
    belief = Belief(recorder, SPACE.features, LADDER, rows)  # type: ignore[arg-type]
    return belief.fit(history, found_in(history), np.random.default_rng(0)), recorder, belief


def test_there_is_nothing_to_learn_from_outcomes_that_are_alike() -> None:
    assert not fitted(history_of())[0]
    assert not fitted(history_of(done(0.1, 0.5)))[0]
    assert not fitted(history_of(done(0.1, 0.5), done(0.2, 0.5)))[0]
    learnt, recorder, _ = fitted(history_of(done(0.1, 0.5), done(0.2, 0.6)))
    assert learnt and len(recorder.named("fit")) == 1
    assert fitted(history_of(done(0.1, 0.5), failed(0.2)))[0]


def test_inputs_are_features_and_the_rung() -> None:
    _, recorder, _ = fitted(history_of(done(0.1, 0.5), done(0.2, 0.6), done(0.2, 0.7, 3, 1, continues=1)))
    ((x, y),) = recorder.named("fit")
    assert x == [[0.1, 0.0], [0.2, 0.0], [0.2, 1.0]]
    assert y[0] < y[1]


def test_what_is_pending_is_taken_to_turn_out_as_predicted_on_the_rung_it_asks_for() -> None:
    history = history_of(
        done(0.1, 0.5), done(0.2, 0.6), waiting(0.3), waiting(0.2, 3, 1, continues=1), waiting(0.4, 9), waiting(0.6, 2)
    )
    _, recorder, _ = fitted(history)
    ahead = [[0.2, 1.0], [0.3, 0.0], [0.4, 2.0], [0.6, pytest.approx(math.log(2) / math.log(3))]]
    assert recorder.named("means") == [(ahead,)]
    first, second = recorder.named("fit")
    assert second == ([*first[0], *ahead], [*first[1], 7.0, 8.0, 9.0, 10.0])
    assert [call[0] for call in recorder.calls] == ["choose", "fit", "means", "fit"]


def test_pending_trials_make_their_neighbourhood_less_uncertain_and_move_no_mean() -> None:
    rows = [done(0.1, 0.5), done(0.3, 0.6), done(0.5, 0.4)]
    near = [genome(0.9)]
    told: list[tuple[float, float]] = []
    for history in (history_of(*rows), history_of(*rows, waiting(0.9, 9))):
        belief = Belief(GaussianProcess(), SPACE.features, LADDER, 300)
        assert belief.fit(history, found_in(history), np.random.default_rng(0))
        mean, deviation = belief.predict(near)
        told.append((float(mean[0]), float(deviation[0])))
        assert belief.means(near) == pytest.approx(mean)
    (mean, wide), (again, narrow) = told
    assert again == pytest.approx(mean, abs=0.01) and narrow < 0.5 * wide


def test_predictions_are_asked_for_at_full_length() -> None:
    _, recorder, belief = fitted(history_of(done(0.1, 0.5), done(0.2, 0.6)))
    assert belief.means([genome(0.3), genome(0.4)]).tolist() == [7.0, 8.0]
    assert belief.predict([genome(0.5)])[0].tolist() == [7.0]
    assert recorder.calls[-2:] == [("means", [[0.3, 2.0], [0.4, 2.0]]), ("predict", [[0.5, 2.0]])]


def test_kernel_and_noise_are_chosen_on_the_trials_below_the_last_threshold() -> None:
    rows: list[Row] = [done(n / 100, n / 100) for n in range(14)]
    _, recorder, _ = fitted(history_of(*rows))
    ((x, _),) = recorder.named("choose")
    assert len(x) == last_choice(14) == 12
    # Where nothing differs below it the choice of before stands.
    same = [*(done(n / 100, 0.5) for n in range(8)), done(0.5, 0.7)]
    assert fitted(history_of(*same))[1].named("choose") == []
    assert len(fitted(history_of(*same))[1].named("fit")) == 1


def test_the_weights_of_several_objectives_are_drawn_from_the_generator_of_the_proposal() -> None:
    rows = [done(n / 10, (a, b)) for n, (a, b) in enumerate([(0.1, 0.9), (0.5, 0.4), (0.9, 0.1), (0.3, 0.8)])]
    history = history_of(*rows, objectives=("a", "b"))
    for seed in range(5):
        recorder, rng = Recorder(), np.random.default_rng(seed)
        belief = Belief(recorder, SPACE.features, LADDER, 300)  # type: ignore[arg-type]
        assert belief.fit(history, found_in(history), rng)
        ((_, y),) = recorder.named("fit")
        same = observations(history, found_in(history).values(), LADDER, np.random.default_rng(seed))
        assert y == [o.target for o in same]


def kept(scores: list[float], rows: int) -> list[int]:
    history = history_of(*(done(n / 100, score) for n, score in enumerate(scores)))
    _, recorder, _ = fitted(history, rows)
    ((x, y),) = recorder.named("fit")
    known = {o.trial: o.target for o in observations(history, found_in(history).values(), LADDER)}
    numbers = [round(100 * row[0]) for row in x]
    assert y == [known[n] for n in numbers]
    return numbers


def test_up_to_the_limit_all_observations_are_kept() -> None:
    assert kept([n / 100 for n in range(12)], 12) == list(range(12))


def test_above_it_the_best_half_the_newest_quarter_and_a_sample_of_the_rest() -> None:
    """Of 20, 12 are kept: the best 6 (the first), the newest 3, and every fourth of the other 11."""
    assert kept([1 - n / 100 for n in range(20)], 12) == [0, 1, 2, 3, 4, 5, 6, 10, 14, 17, 18, 19]
    # The best are the newest: 6 kept, and every second of the other 14 makes 7 more.
    assert kept([n / 100 for n in range(20)], 12) == [0, 3, 6, 9, 12, 14, 15, 16, 17, 18, 19]


def test_of_equal_targets_the_higher_rung_tells_more() -> None:
    rows = [done(0.5, 0.5, 3), *(done(n / 100, 0.5) for n in range(11)), done(0.9, 0.4)]
    history = history_of(*rows)
    _, recorder, _ = fitted(history, 10)
    ((x, _),) = recorder.named("fit")
    assert [0.5, 1.0] in x


# -- the surrogate ---------------------------------------------------------------------------------
def test_the_kernel_is_materns_of_the_features_times_a_correlation_of_rungs() -> None:
    kernel = RungKernel(length=2.0, correlation=0.5)
    x = np.array([[0.0, 0.0, 0.0], [3.0, 4.0, 2.0]])
    scaled = math.sqrt(5) * 5 / 2
    matern = (1 + scaled + scaled**2 / 3) * math.exp(-scaled)
    assert kernel(x) == pytest.approx(np.array([[1.0, 0.25 * matern], [0.25 * matern, 1.0]]))
    assert kernel(x[:1], x[1:]) == pytest.approx(np.array([[0.25 * matern]]))
    flat = np.array([[0.0, 0.0, 1.0], [3.0, 4.0, 1.0]])
    assert kernel(flat)[0, 1] == pytest.approx(matern)
    assert kernel.diag(x).tolist() == [1.0, 1.0] and kernel.is_stationary()
    with pytest.raises(ValueError, match="no gradient"):
        kernel(x, eval_gradient=True)


def chosen(y: Any, x: Any = None, **settings: Any) -> GaussianProcess:
    surrogate = GaussianProcess(**settings)
    inputs = np.column_stack([np.linspace(0, 4, len(y)), np.zeros(len(y))]) if x is None else x
    surrogate.choose(inputs, np.asarray(y, float))
    surrogate.fit(inputs, np.asarray(y, float))
    return surrogate


def test_noise_is_chosen_where_neighbours_differ() -> None:
    noisy, smooth = np.tile([1.0, -1.0], 20), np.sin(np.linspace(0, 4, 40))
    point = np.array([[2.0, 0.0]])
    assert abs(chosen(noisy).means(point)[0]) < 0.5
    assert chosen(smooth).means(point)[0] == pytest.approx(math.sin(2), abs=0.01)
    at = np.array([[0.0, 0.0]])
    assert chosen(noisy, noises=(1e-3, 0.15, 0.5)).means(at)[0] < chosen(noisy, noises=(1e-3,)).means(at)[0]


def test_the_correlation_of_rungs_is_chosen() -> None:
    low = np.column_stack([np.linspace(0, 4, 20), np.zeros(20)])
    x = np.vstack([low, low + [0.0, 1.0]])
    y = np.sin(3 * low[:, 0])
    top = np.array([[2.1, 2.0]])
    alike, opposed = chosen(np.concatenate([y, y]), x), chosen(np.concatenate([y, -y]), x)
    assert alike.predict(top)[1][0] < opposed.predict(top)[1][0]


def test_predicting_gives_the_same_means() -> None:
    surrogate = chosen([0.1, 0.9, 0.4])
    points = np.array([[0.5, 0.0], [3.0, 1.0]])
    mean, deviation = surrogate.predict(points)
    assert surrogate.means(points) == pytest.approx(mean) and (deviation > 0).all()


def test_only_what_it_was_fitted_to_is_told_and_few_pending_trials_are_reckoned_with() -> None:
    rows = [*(done(n / 100, n / 100) for n in range(1, 31)), *(waiting(0.5 + n / 100) for n in range(1, 31))]
    history = history_of(*rows)
    _, recorder, belief = fitted(history, 10)
    trained = [p for p in found_in(history).values() if p.best is not None]
    assert 10 <= len(belief.told(trained)) < 20
    assert genome(0.3) in [p.genome for p in belief.told(trained)]
    assert [len(means[0]) for means in recorder.named("means")] == [10]
    _, _, belief = fitted(history)
    assert belief.told(trained) == trained
