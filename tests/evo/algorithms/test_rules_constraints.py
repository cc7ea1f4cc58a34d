"""What keeps the constraints comes first, wherever trials are ranked."""

from __future__ import annotations

import pytest

from evo.algorithms import NSGA2, AskTell, ScreenedEvolution, hypervolume, pareto, survivors
from evo.algorithms.ranking import best_first
from evo.core.errors import SettingsError
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.display import summary
from genomes import Float, Int, spaces

#: Accuracy and parameters of one trial each.
ROWS = [(0.9, 900), (0.5, 400), (0.8, 500), (0.95, 2000), (0.6, 300)]


def history_under(*objectives: str) -> History:
    space, history = spaces.vector({"x": Float(0.0, 1.0)}), History((), Objectives(objectives))
    for number, (accuracy, parameters) in enumerate(ROWS):
        history.append(Trial(number, Proposal(space.genome(x=number / 10))))
        history.tell(number, Outcome(Status.COMPLETED, {"val_accuracy": accuracy}, epochs=1, parameters=parameters))
    return history


def test_one_objective() -> None:
    history = history_under("val_accuracy", "parameters <= 500")
    assert best_first(history, range(5)) == [2, 4, 1, 0, 3]
    assert survivors(history, 3) == [2, 4, 1]
    assert pareto(history) == [2]
    assert summary.best(history) is history[2]
    assert [step.number for step in summary.improvements(history)] == [0, 1, 2]
    assert history.fitness(3) == (0.95,) and not history.feasible(3) and history.feasible(2)


def test_several_objectives() -> None:
    history = history_under("val_accuracy", "-parameters", "parameters <= 500", "val_accuracy >= 0.55")
    assert pareto(history) == [2, 4]
    # 0.5 misses by a tenth, 900 and 2000 by more.
    assert best_first(history, range(5)) == [2, 4, 1, 0, 3]


def test_where_nothing_keeps_them_the_nearest_is_best() -> None:
    history = history_under("val_accuracy", "parameters <= 250")
    assert best_first(history, range(5)) == [4, 1, 2, 0, 3]
    assert summary.kept_constraints(history).startswith("No completed trial keeps parameters <= 250")
    assert summary.short_scores(history, 4) == "val_accuracy 0.6000, parameters 300 instead of <= 250"


def test_the_hypervolume_counts_what_keeps_them_above_the_bounds() -> None:
    objectives = ("val_accuracy", "-parameters")
    plain, bound = history_under(*objectives), history_under(*objectives, "val_accuracy >= 0.55")
    assert hypervolume(bound, {"parameters": 1000}) == pytest.approx(hypervolume(plain, (0.55, -1000)))
    assert hypervolume(plain, {"val_accuracy": 0.55, "parameters": 1000}) == hypervolume(plain, (0.55, -1000))
    with pytest.raises(SettingsError, match="latency"):
        hypervolume(plain, {"latency": 1.0})


@pytest.mark.parametrize("algorithm", [ScreenedEvolution(), NSGA2(size=8)], ids=["screened", "nsga2"])
def test_a_search_ends_below_the_bound(algorithm: ScreenedEvolution | NSGA2) -> None:
    """The score rises with the width, and the bound cuts it off at 40: most of the later trials keep it."""
    space = spaces.vector({"width": Int(1, 100), "other": Float(0.0, 1.0)})
    search = AskTell(algorithm, space, Objectives(["val_accuracy", "parameters <= 40"]))
    for _ in range(48):
        trial = search.ask()
        assert trial is not None
        values = space.values(trial.genome)
        width, other = int(values["width"]), float(values["other"])  # type: ignore[arg-type]
        score = width / 100 - (other - 0.5) ** 2
        search.tell(trial.number, Outcome(Status.COMPLETED, {"val_accuracy": score}, epochs=1, parameters=width))
    assert sum(search.history.feasible(n) for n in range(32, 48)) >= 8
    assert search.history.fitness(best_first(search.history, range(48))[0])[0] > 0.3
