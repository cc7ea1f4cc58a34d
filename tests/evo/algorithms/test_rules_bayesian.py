"""Rules of Bayesian optimization: the design, what is offered, and which of it is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from evo.algorithms import AskTell, BayesianOptimization, Problem
from evo.algorithms.surrogates.expected_improvement import expected_improvement
from evo.core.errors import SettingsError
from evo.core.history import History
from evo.core.trial import Outcome, Proposal, Status
from genomes import Float
from genomes.spaces.vector import vector
from tests.evo.small_histories import SPACE, done, failed, genome, history_of, waiting, x_of


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (-2.0, 0.5), (1.5, 0.1), (0.3, 2.0)])
def test_expected_improvement_is_the_integral(mean: float, deviation: float) -> None:
    best = 0.4
    found = expected_improvement(np.array([mean]), np.array([deviation]), best)[0]
    density = stats.norm(mean, deviation).pdf
    whole, _ = integrate.quad(lambda y: (y - best) * density(y), best, best + 20, limit=200)
    assert found == pytest.approx(whole, rel=1e-6, abs=1e-9)


def test_without_a_deviation_it_is_the_gain() -> None:
    found = expected_improvement(np.array([0.5, 0.2]), np.zeros(2), 0.4)
    assert found == pytest.approx([0.1, 0.0])


def ask(algorithm: BayesianOptimization, history: History) -> Proposal:
    found = algorithm.bind(Problem(SPACE, 9))(history, np.random.default_rng(0))
    assert found is not None and found.last_epoch == 9 and found.final
    return found


def test_given_genomes_then_the_design() -> None:
    algorithm = BayesianOptimization(design=4, initial=(genome(0.7),))
    assert x_of(ask(algorithm, History()).genome) == 0.7
    # The space's default and its smallest, then random ones.
    assert x_of(ask(algorithm, history_of(done(0.7, 0.1))).genome) == 0.5
    assert ask(algorithm, history_of(done(0.7, 0.1), done(0.5, 0.1))).genome == SPACE.smallest()
    assert ask(algorithm, history_of(done(0.7, 0.1), done(0.5, 0.1), failed(0.0))).origin == "initial"


def test_it_goes_where_scores_rise() -> None:
    rows = [done(x / 10, 1 - abs(x / 10 - 0.83)) for x in (0, 1, 2, 4, 6, 8, 10)]
    found = ask(BayesianOptimization(design=5), history_of(*rows))
    assert 0.7 < x_of(found.genome) < 1.0 and found.origin in ("mutation", "random")


def test_what_is_under_way_is_not_proposed_beside_itself() -> None:
    rows = [done(x / 10, 1 - abs(x / 10 - 0.83)) for x in (0, 1, 2, 4, 6, 8, 10)]
    first = x_of(ask(BayesianOptimization(design=5), history_of(*rows)).genome)
    second = x_of(ask(BayesianOptimization(design=5), history_of(*rows, waiting(first))).genome)
    assert abs(second - first) > 0.005


def test_while_nothing_has_completed_the_design_goes_on() -> None:
    rows = [failed(x / 10) for x in (5, 0, 1, 2, 4)]
    assert ask(BayesianOptimization(design=2), history_of(*rows)).origin == "initial"


def test_it_finds_the_top_of_a_hill() -> None:
    space = vector({name: Float(0.0, 1.0) for name in "abc"})
    search = AskTell(BayesianOptimization(), space, "val_accuracy", seed=1)
    for _ in range(30):
        trial = search.ask()
        assert trial is not None
        score = -sum((float(x) - 0.3) ** 2 for x in space.values(trial.genome).values())  # type: ignore[arg-type]
        search.tell(trial.number, Outcome(Status.COMPLETED, {"val_accuracy": score}, epochs=1))
    assert max(search.history.fitness(n)[0] for n in range(30)) > -0.003


@pytest.mark.parametrize("setting", [{"design": 0}, {"candidates": 1}, {"rows": 5}])
def test_settings_out_of_range(setting: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(setting))):
        BayesianOptimization(**setting)
