"""Rules of the default search: its design, its elite, its offspring, what it believes, and what it can pay for."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from evo import Proposal
from evo.algorithms import Algorithm, Candidate, FinalTraining, Problem, ScreenedEvolution
from evo.campaign.settings import algorithm_from_json
from genomes import Genome, Int, Space
from genomes.spaces.vector import vector
from tests.evo.search_parts import Belief, Objectives, SettingsError
from tests.evo.small_histories import SPACE, Row, done, failed, genome, history_of, waiting, x_of

#: Three that are trained, so that one of them is due to climb.
THREE = [done(0.1, 0.5), done(0.2, 0.9), done(0.3, 0.2)]
#: The same with that one on its way.
BUSY = [*THREE, waiting(0.2, 3, 1, continues=1)]


class Believed:
    """A search whose belief is given: means and deviations of x, and the children that mutation makes."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.mean: Callable[[float], float] = lambda x: x
        self.deviation: Callable[[float], float] = lambda x: 0.0
        self.children: Iterator[float] = (round(0.5 + n / 1000, 6) for n in itertools.count())
        self.strangers: Iterator[float] = (round(0.9 + n / 1000, 6) for n in itertools.count())
        self.fitted = 0
        self.made = {"child": 0, "stranger": 0}
        self.predicted: list[float] = []
        self.groups: list[list[tuple[int | None, float]]] = []

    def ask(
        self,
        settings: ScreenedEvolution,
        *rows: Row,
        epochs: int = 9,
        seconds: float | None = None,
        objectives: tuple[str, ...] = ("val_accuracy",),
        seed: int = 0,
        space: Space | None = None,
    ) -> Proposal | None:
        problem = Problem(space or SPACE, epochs, Objectives(objectives), seconds=seconds)

        def fit(belief: Belief, history: Any, found: Any, rng: np.random.Generator) -> bool:
            assert isinstance(rng, np.random.Generator)
            self.fitted += 1
            return True

        def means(belief: Belief, genomes: list[Genome]) -> np.ndarray:
            return np.array([self.mean(x_of(g)) for g in genomes])

        def predict(belief: Belief, genomes: list[Genome]) -> tuple[np.ndarray, np.ndarray]:
            self.predicted = [x_of(g) for g in genomes]
            return means(belief, genomes), np.array([self.deviation(x) for x in self.predicted])

        for name, method in {"fit": fit, "means": means, "predict": predict}.items():
            self.patch.setattr(Belief, name, method)

        def mutate(candidate: Candidate) -> tuple[Candidate]:
            self.made["child"] += 1
            candidate.genome, candidate.origin = genome(next(self.children)), "mutation"
            return (candidate,)

        def stranger() -> Candidate:
            self.made["stranger"] += 1
            return Candidate(genome(next(self.strangers)))

        def select(group: list[Candidate], k: int) -> list[Candidate]:
            self.groups.append([(c.number, c.fitness.values[0]) for c in group])
            return [group[0]] * k

        if space is None:
            problem.toolbox.register("mutate", mutate)
            problem.toolbox.register("individual", stranger)
            problem.toolbox.register("select", select)
        return settings.bind(problem)(history_of(*rows, objectives=objectives), np.random.default_rng(seed))


@pytest.fixture
def believed(monkeypatch: pytest.MonkeyPatch) -> Believed:
    return Believed(monkeypatch)


def screened(**settings: Any) -> ScreenedEvolution:
    return ScreenedEvolution(**({"design": 1, "crossover": 0.0, "second": 0.0, "random": 0.0} | settings))


# -- the design -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("epochs", "rungs", "design", "length"),
    [
        (9, None, None, 10),
        (27, None, None, 27),
        (12, (1, 12), None, 12),
        (50, (1, 50), None, 30),
        (31, (2, 31), None, 15),
        (9, None, 2, 2),
        (9, None, 40, 40),
    ],
)
def test_the_design_is_as_long_as_one_training_pays_for_but_ten_to_thirty(
    believed: Believed, epochs: int, rungs: Any, design: int | None, length: int
) -> None:
    settings = screened(design=design, rungs=rungs)
    for count, origin in ((length - 1, "initial"), (length, "mutation")):
        rows = [done(0.1, 0.5), *(waiting(0.2 + n / 100) for n in range(count - 1))]
        found = believed.ask(settings, *rows, epochs=epochs)
        assert found is not None and found.origin == origin
        assert (found.first_epoch, found.rung) == (0, 0)


def test_the_design_goes_on_until_something_has_completed(believed: Believed) -> None:
    found = believed.ask(screened(design=2), waiting(0.1), failed(0.2), failed(0.3))
    assert found is not None and found.origin == "initial" and believed.fitted == 0


def test_given_genomes_come_first_and_all_of_them(believed: Believed) -> None:
    given = tuple(genome(x) for x in (0.1, 0.2, 0.35))
    found = believed.ask(screened(initial=given), done(0.1, 0.5), waiting(0.2))
    assert found is not None and (x_of(found.genome), found.origin) == (0.35, "initial")
    found = believed.ask(screened(initial=given), done(0.1, 0.5), waiting(0.2), waiting(0.35))
    assert found is not None and found.origin == "mutation"


def test_promotion_goes_on_during_the_design_by_outcomes(believed: Believed) -> None:
    believed.mean = lambda x: -x
    found = believed.ask(screened(design=9), *THREE)
    assert found is not None and (found.origin, found.continues) == ("promotion", 1) and believed.fitted == 0


# -- promotion --------------------------------------------------------------------------------------
def test_whom_is_believed_to_be_the_best_climbs(believed: Believed) -> None:
    found = believed.ask(screened(), *THREE)
    assert found is not None and (found.origin, found.continues, found.last_epoch) == ("promotion", 2, 3)
    believed.mean = lambda x: -x
    found = believed.ask(screened(), *THREE)
    assert found is not None and found.continues == 0


def test_without_screening_outcomes_decide_and_nothing_is_believed(believed: Believed) -> None:
    found = believed.ask(screened(screening=False), *THREE)
    assert found is not None and found.continues == 1 and believed.fitted == 0


def test_promotion_is_strict_one_of_fourteen_at_least(believed: Believed) -> None:
    """Half of fourteen: on rungs 1 and 20 the first climbs of 7 instead of 10."""
    for count, origin in ((6, "mutation"), (7, "promotion")):
        rows = [done(n / 10, n / 10) for n in range(1, count + 1)]
        found = believed.ask(screened(rungs=(1, 20)), *rows, epochs=20)
        assert found is not None and found.origin == origin
    found = believed.ask(screened(rungs=(1, 20), promote=20.0), *(done(n / 10, n / 10) for n in range(1, 8)), epochs=20)
    assert found is not None and found.origin == "mutation"


def test_rungs_lie_eta_apart_and_without_it_all_are_trained_to_the_full_length(believed: Believed) -> None:
    found = believed.ask(screened(eta=0), *(done(n / 10, n / 10, 9) for n in range(1, 9)))
    assert found is not None and (found.last_epoch, found.final, found.rung) == (9, True, 0)
    found = believed.ask(screened(eta=0, rungs=(2, 9)), waiting(0.1))
    assert found is not None and (found.last_epoch, found.final) == (2, False)
    found = believed.ask(screened(eta=2.0), *THREE, epochs=8)
    assert found is not None and (found.first_epoch, found.last_epoch) == (1, 2)


# -- the elite ----------------------------------------------------------------------------------------
def parents(believed: Believed, settings: ScreenedEvolution, *rows: Row, **more: Any) -> list[Any]:
    assert believed.ask(settings, *rows, **more) is not None
    return [number for number, _ in believed.groups[0]]


def test_parents_are_the_best_by_what_is_believed(believed: Believed) -> None:
    assert parents(believed, screened(), *BUSY) == [2, 1, 0]
    assert believed.groups[0] == [(2, 0.3), (1, 0.2), (0, 0.1)]
    found = believed.ask(screened(), *BUSY)
    assert found is not None and found.parents == (2,)


def test_without_screening_they_are_the_best_by_outcomes(believed: Believed) -> None:
    assert parents(believed, screened(screening=False), *BUSY) == [1, 0, 2]
    believed.groups.clear()
    assert parents(believed, screened(screening=False, pool=2), *BUSY) == [1, 0]


def test_of_several_objectives_they_are_the_survivors(believed: Believed) -> None:
    rows = [done(0.1, (0.1, 0.1)), done(0.2, (0.9, 0.8)), done(0.3, (0.2, 0.3)), waiting(0.3, 3, 1, continues=2)]
    assert parents(believed, screened(), *rows, objectives=("a", "b")) == [1, 2, 0]


def test_only_so_many_are_the_elite_ten_unless_said_otherwise(believed: Believed) -> None:
    rows = [done(n / 100, n / 100, 9) for n in range(1, 13)]
    assert parents(believed, screened(), *rows) == list(range(11, 1, -1))
    believed.groups.clear()
    assert parents(believed, screened(pool=2), *rows) == [11, 10]


def test_who_failed_to_climb_is_no_parent(believed: Believed) -> None:
    assert parents(believed, screened(), *BUSY, failed(0.3, 3, 1, continues=2)) == [1, 0]


def test_one_whose_climb_failed_leaves_its_place_on_the_rung_above_to_another(believed: Believed) -> None:
    found = believed.ask(screened(), *THREE, failed(0.3, 3, 1, continues=2))
    assert found is not None and (found.origin, found.continues) == ("promotion", 1)


@pytest.mark.parametrize(
    ("aging", "count", "oldest"),
    [(True, 120, 20), (None, 120, 0), (None, 500, 0), (None, 501, 401), (False, 501, 0)],
)
def test_parents_are_of_the_newest_hundred_with_aging_which_begins_above_500(
    believed: Believed, aging: bool | None, count: int, oldest: int
) -> None:
    believed.mean = lambda x: -x
    rows = [done(round(n / 1000, 6), 0.5, 9) for n in range(count)]
    assert parents(believed, screened(aging=aging), *rows)[0] == oldest


def test_aging_leaves_the_old_where_no_one_else_is(believed: Believed) -> None:
    rows = [done(0.1, 0.5, 9), *(failed(round(0.2 + n / 1000, 6)) for n in range(110))]
    assert parents(believed, screened(aging=True), *rows) == [0]


# -- offspring ------------------------------------------------------------------------------------------
def test_the_highest_mean_plus_deviation_is_trained(believed: Believed) -> None:
    """In an endless space the deviation weighs 1, unless another weight is given."""
    believed.mean, believed.deviation = lambda x: -x, lambda x: 0.9 * x
    found = believed.ask(screened(offspring=5), *BUSY)
    assert found is not None and x_of(found.genome) == 0.5
    believed.deviation = lambda x: 1.1 * x
    for beta, factor in ((None, 1.1), (1.0, 1.1), (2.0, 0.55), (0.5, 2.1)):
        believed.children = iter([0.5, 0.6, 0.7, 0.8])
        believed.deviation = lambda x, factor=factor: factor * x  # type: ignore[misc]
        found = believed.ask(screened(offspring=4, beta=beta), *BUSY)
        assert found is not None and x_of(found.genome) == 0.8
    for beta, factor in ((None, 0.9), (2.0, 0.45), (0.5, 1.9), (0.0, 9.0)):
        believed.children = iter([0.5, 0.6, 0.7, 0.8])
        believed.deviation = lambda x, factor=factor: factor * x  # type: ignore[misc]
        found = believed.ask(screened(offspring=4, beta=beta), *BUSY)
        assert found is not None and x_of(found.genome) == 0.5


def test_in_a_finite_space_it_weighs_half_and_noise_is_chosen_from_less(monkeypatch: pytest.MonkeyPatch) -> None:
    from evo.algorithms.surrogates.gaussian_process import GaussianProcess

    asked: list[tuple[float, ...]] = []
    original = GaussianProcess.__init__

    def init(self: Any, *args: Any, **settings: Any) -> None:
        asked.append(settings["noises"])
        original(self, *args, **settings)

    monkeypatch.setattr(GaussianProcess, "__init__", init)
    finite = ScreenedEvolution().bind(Problem(vector({"n": Int(1, 9)}), 9))
    endless = ScreenedEvolution().bind(Problem(SPACE, 9))
    assert asked == [(1e-3, 0.03, 0.15), (1e-3, 0.03, 0.15, 0.5)]
    assert (finite.__self__.beta, endless.__self__.beta) == (0.5, 1.0)  # type: ignore[attr-defined]


def test_a_hundred_children_are_bred_and_ten_strangers_drawn(believed: Believed) -> None:
    believed.ask(ScreenedEvolution(design=1, crossover=0.0, second=0.0), *BUSY)
    assert believed.made == {"child": 100, "stranger": 10}
    assert len(believed.predicted) == 110


@pytest.mark.parametrize(
    ("offspring", "share", "strangers"), [(20, 0.1, 2), (16, 0.1, 2), (14, 0.1, 1), (20, 0.0, 0), (10, 1.0, 10)]
)
def test_strangers_are_a_share_of_the_offspring(
    believed: Believed, offspring: int, share: float, strangers: int
) -> None:
    believed.ask(screened(offspring=offspring, random=share), *BUSY)
    assert believed.made == {"child": offspring, "stranger": strangers}


def test_known_phenotypes_and_twins_are_bred_again_up_to_a_limit(believed: Believed) -> None:
    believed.children = iter([0.1, 0.5, 0.5, 0.2, 0.6, 0.7])
    believed.ask(screened(offspring=2), *BUSY)
    assert believed.predicted == [0.5, 0.6] and believed.made["child"] == 5
    believed.made["child"] = 0
    believed.children = itertools.repeat(0.1)
    found = believed.ask(screened(offspring=7), *BUSY)
    assert found is not None and found.origin == "random" and believed.made["child"] == 34


def test_known_strangers_and_twins_of_children_are_left_out(believed: Believed) -> None:
    believed.children, believed.strangers = iter([0.5, 0.6]), iter([0.1, 0.6])
    found = believed.ask(screened(offspring=2, random=1.0), *BUSY)
    assert believed.predicted == [0.5, 0.6] and found is not None and found.origin == "mutation"


def test_a_single_candidate_is_trained_unseen(believed: Believed) -> None:
    found = believed.ask(screened(offspring=1), *BUSY)
    assert found is not None and x_of(found.genome) == 0.5 and believed.predicted == []


def test_without_screening_the_first_child_or_a_stranger_is_trained(believed: Believed) -> None:
    found = believed.ask(screened(screening=False), *BUSY)
    assert found is not None and x_of(found.genome) == 0.5 and believed.made == {"child": 1, "stranger": 0}
    found = believed.ask(screened(screening=False, random=1.0), *BUSY)
    assert found is not None and (x_of(found.genome), found.origin) == (0.9, "random")
    assert believed.made == {"child": 1, "stranger": 1}


def test_without_screening_a_stranger_is_trained_with_the_probability_of_one(believed: Believed) -> None:
    for seed in range(40):
        believed.ask(screened(screening=False, random=0.3), *BUSY, seed=seed)
    assert 5 < believed.made["stranger"] < 20 and sum(believed.made.values()) == 40


def test_children_inherit_weights_only_where_asked_for(believed: Believed) -> None:
    assert (found := believed.ask(screened(), *BUSY)) is not None and found.inherits is None
    assert (found := believed.ask(screened(inherit=True), *BUSY)) is not None and found.inherits == 2
    assert (found := believed.ask(screened(inherit=True, design=9), *BUSY)) is not None and found.inherits is None


# -- a budget of time --------------------------------------------------------------------------------------
def clocked(x: float, each: float) -> Row:
    return done(x, 0.5, 9, seconds={"train": 9 * each})


def test_only_children_are_trained_of_which_the_time_pays_for_four(believed: Believed) -> None:
    """0.1 takes a second per epoch, 0.5 five: 9 epochs of 0.5 are 45 seconds, a quarter of 180."""
    believed.children = iter([0.5, 0.501, 0.4, 0.6])
    found = believed.ask(screened(offspring=4), clocked(0.1, 1.0), seconds=180.0)
    assert found is not None and believed.predicted == [0.5, 0.4]


def test_where_the_time_pays_for_none_the_quickest_is_trained(believed: Believed) -> None:
    believed.children = iter([0.5, 0.501, 0.4, 0.6])
    found = believed.ask(screened(offspring=4), clocked(0.1, 1.0), seconds=100.0)
    assert found is not None and x_of(found.genome) == 0.4 and believed.predicted == []
    believed.children = iter([0.5, 0.4])
    found = believed.ask(screened(offspring=2), clocked(0.1, 1.0), seconds=100.0)
    assert found is not None and x_of(found.genome) == 0.4 and believed.predicted == []


def test_without_a_clock_or_measured_seconds_nothing_is_too_slow(believed: Believed) -> None:
    believed.children = iter([0.5, 0.9])
    believed.ask(screened(offspring=2), clocked(0.1, 1.0))
    assert believed.predicted == [0.5, 0.9]
    believed.children = iter([0.5, 0.9])
    believed.ask(screened(offspring=2), done(0.1, 0.5), seconds=1.0)
    assert believed.predicted == [0.5, 0.9]


@pytest.mark.parametrize(("spent", "origin"), [(24.9, "initial"), (25.0, "mutation")])
def test_a_design_that_takes_a_quarter_of_the_time_ends_after_ten(
    believed: Believed, spent: float, origin: str
) -> None:
    rows = [done(0.1, 0.5, seconds={"build": spent}), *(waiting(0.2 + n / 100) for n in range(9))]
    found = believed.ask(screened(design=20), *rows, seconds=100.0)
    assert found is not None and found.origin == origin
    found = believed.ask(screened(design=20), *rows[:9], seconds=100.0)
    assert found is not None and found.origin == "initial"


def test_with_a_clock_the_design_begins_with_the_smallest(believed: Believed) -> None:
    first = believed.ask(screened(design=5), seconds=100.0)
    assert first is not None and first.genome == SPACE.smallest()
    first = believed.ask(screened(design=5))
    assert first is not None and first.genome == SPACE.default()


# -- settings ----------------------------------------------------------------------------------------------
def test_defaults() -> None:
    assert ScreenedEvolution().to_json() == {
        "algorithm": "ScreenedEvolution",
        "initial": [],
        "design": None,
        "pool": 10,
        "offspring": 100,
        "crossover": 0.2,
        "second": 0.2,
        "random": 0.1,
        "beta": None,
        "screening": True,
        "aging": None,
        "eta": 3.0,
        "rungs": None,
        "inherit": False,
        "promote": 14.0,
        "rows": 300,
    }
    assert ScreenedEvolution(rungs=(1, 9)).to_json()["rungs"] == [1, 9]
    assert (FinalTraining().size, FinalTraining().replicates) == (10, 2)


def test_final_training_is_no_algorithm() -> None:
    assert not isinstance(FinalTraining(), Algorithm)
    with pytest.raises(SettingsError, match="FinalTraining"):
        algorithm_from_json({"algorithm": "FinalTraining", "initial": [], "size": 10, "replicates": 2})


def test_the_least_that_settings_may_be() -> None:
    least = ScreenedEvolution(
        design=1, pool=1, offspring=1, rows=10, crossover=0, second=0, random=0, beta=0, promote=1, eta=1.1
    )
    assert least.rows == 10 and FinalTraining(size=1, replicates=0).size == 1
    assert ScreenedEvolution(crossover=1, second=1, random=1, eta=0).eta == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"design": 0},
        {"design": 1.5},
        {"pool": 0},
        {"pool": 1.5},
        {"offspring": 0},
        {"offspring": 2.5},
        {"rows": 9},
        {"rows": 10.5},
        {"crossover": -0.1},
        {"crossover": 1.1},
        {"second": -0.1},
        {"second": 1.1},
        {"random": -0.1},
        {"random": 1.1},
        {"beta": -0.1},
        {"promote": 0.9},
        {"eta": 1.0},
        {"eta": -1.0},
    ],
)
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=f"^{next(iter(settings))}: "):
        ScreenedEvolution(**settings)


@pytest.mark.parametrize("settings", [{"size": 0}, {"size": 1.5}, {"replicates": -1}, {"replicates": 0.5}])
def test_settings_of_final_trainings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=f"^{next(iter(settings))}: "):
        FinalTraining(**settings)


@pytest.mark.parametrize("epochs", [0, True, 1.5])
def test_a_problem_is_trained_for_an_epoch_at_least(epochs: Any) -> None:
    with pytest.raises(SettingsError, match="epochs: expected a whole number of 1 or more, got"):
        Problem(SPACE, epochs)
    problem = Problem(SPACE)
    assert (problem.epochs, problem.objectives.names, problem.seconds) == (1, ("val_accuracy",), None)
