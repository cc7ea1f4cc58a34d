"""Every algorithm: pure over the history, never the same phenotype twice, robust to failures."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from evo.algorithms import (
    NSGA2,
    AgingEvolution,
    Algorithm,
    AskTell,
    FinalTraining,
    GeneticAlgorithm,
    Hyperband,
    Problem,
    RandomSearch,
    ScreenedEvolution,
    SuccessiveHalving,
    survivors,
)
from evo.core.history import History
from evo.core.objectives import Objectives
from evo.core.randomness import Purpose, generator
from evo.core.trial import Outcome, Status, Trial
from evo.errors import SettingsError, SpaceExhaustedError
from genomes.domains import Choice, Float, Int
from genomes.spaces.vector import VectorSpace, vector

ALGORITHMS: list[Algorithm] = [
    RandomSearch(),
    GeneticAlgorithm(size=6),
    GeneticAlgorithm(size=6, variation="or", crossover=0.3),
    AgingEvolution(population=8, sample=3),
    NSGA2(size=6),
    SuccessiveHalving(),
    Hyperband(),
    ScreenedEvolution(design=5, offspring=20),
]


def mixed_space() -> VectorSpace:
    return vector(
        {
            "kind": Choice(["a", "b", "c"]),
            "width": Int(1, 64, log=True),
            "rate": Float(1e-4, 1e-1, log=True),
        }
    )


def train(space: VectorSpace, trial: Trial) -> Outcome:
    """A noise-free simulated training; kind b fails, c gives NaN for large widths."""
    values = space.values(trial.genome)
    if values["kind"] == "b" and values["width"] > 20:
        return Outcome(Status.FAILED, message="out of memory")
    quality = -abs(math.log10(values["rate"]) + 2.5) - 0.1 * abs(values["width"] - 20) / 20
    score = quality - 1.0 / trial.proposal.last_epoch
    if values["kind"] == "c" and values["width"] > 40:
        score = math.nan
    return Outcome(
        Status.COMPLETED,
        {"val_accuracy": score, "parameters": values["width"] * 10},
        epochs=trial.proposal.epochs,
        parameters=values["width"] * 10,
    )


def run(
    algorithm: Algorithm,
    trials: int = 40,
    seed: int = 0,
    concurrency: int = 1,
    epochs: int = 9,
    objectives: tuple[str, ...] = ("val_accuracy",),
    space: VectorSpace | None = None,
) -> History:
    """What a campaign does, without its workers."""
    space = space or mixed_space()
    problem = Problem(space, epochs, Objectives(objectives))
    propose = algorithm.bind(problem)
    history = History((), problem.objectives)
    told = 0
    for number in range(trials):
        for seen in range(max(0, number - concurrency + 1), number + 1):
            while told < seen:
                history.tell(told, train(space, history[told]))
                told += 1
            proposal = propose(history.seen(seen), generator(seed, Purpose.PROPOSAL, number))
            if proposal is not None:
                break
        assert proposal is not None
        history.append(Trial(number, proposal))
    for number in range(told, trials):
        history.tell(number, train(space, history[number]))
    return history


def global_states() -> tuple[object, object]:
    return random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002


def proposals(history: History) -> list[str]:
    return [f"{t.proposal} {t.genome.to_json()}" for t in history]


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("concurrency", [1, 4])
def test_same_seed_same_history_and_global_random_is_untouched(algorithm: Algorithm, concurrency: int) -> None:
    before = global_states()
    first = run(algorithm, concurrency=concurrency)
    assert global_states() == before
    random.seed(2)
    assert proposals(run(algorithm, concurrency=concurrency)) == proposals(first)
    assert proposals(run(algorithm, concurrency=concurrency, seed=1)) != proposals(first)


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_phenotype_is_proposed_twice_only_to_climb(algorithm: Algorithm, concurrency: int) -> None:
    space = mixed_space()
    asked: dict[str, int] = {}
    for trial in run(algorithm, trials=60, concurrency=concurrency):
        proposal, key = trial.proposal, space.key(trial.genome)
        space.validate(trial.genome)
        if key in asked:
            assert proposal.continues is not None
        assert proposal.first_epoch == asked.get(key, 0) < proposal.last_epoch <= 9
        asked[key] = proposal.last_epoch
        assert proposal.final == (proposal.last_epoch == 9)


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: type(a).__name__)
def test_failed_and_nan_trials_are_never_parents_and_never_climb(algorithm: Algorithm) -> None:
    history = run(algorithm, trials=60)
    for trial in history:
        sources = {*trial.proposal.parents, *({trial.proposal.continues} - {None})}
        for number in sources:
            assert math.isfinite(history.fitness(number)[0])


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: type(a).__name__)
def test_bound_algorithms_keep_no_state(algorithm: Algorithm) -> None:
    """A fresh binding in the middle of a campaign proposes the same."""
    history = run(algorithm, trials=30)
    whole = algorithm.bind(Problem(mixed_space(), 9))
    for number in (0, 3, 12, 24):
        past = History(history[:number], history.objectives)
        for propose in (whole, algorithm.bind(Problem(mixed_space(), 9))):
            again = propose(past, generator(0, Purpose.PROPOSAL, number))
            assert again is not None
            assert str(again) == str(history[number].proposal)


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("concurrency", [1, 3])
def test_ask_and_tell_equals_the_run(algorithm: Algorithm, concurrency: int) -> None:
    space = mixed_space()
    search = AskTell(algorithm, space, seed=5, concurrency=concurrency, epochs=9)
    waiting: list[Trial] = []
    while len(search.history) < 30:
        trial = search.ask()
        if trial is not None:
            waiting.append(trial)
            if len(waiting) < concurrency:
                continue
        oldest = waiting.pop(0)
        search.tell(oldest.number, train(space, oldest))
    assert proposals(search.history) == proposals(run(algorithm, trials=30, seed=5, concurrency=concurrency))


def test_ask_waits_for_the_outcome_that_it_must_see() -> None:
    search = AskTell(RandomSearch(), mixed_space(), concurrency=2)
    first, second = search.ask(), search.ask()
    assert first is not None and second is not None
    assert search.ask() is None
    search.tell(second.number, Outcome(Status.FAILED))
    assert search.ask() is None
    search.tell(first.number, Outcome(Status.FAILED))
    assert search.ask() is not None
    with pytest.raises(ValueError, match="trial 7: expected a trial that was asked for, 0 to 2"):
        search.tell(7, Outcome(Status.FAILED))


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: type(a).__name__)
def test_a_used_up_space_ends_with_a_clear_message(algorithm: Algorithm) -> None:
    space = vector({"kind": Choice(["a", "b", "c"]), "width": Choice([1, 2])})
    search = AskTell(algorithm, space, epochs=1)
    with pytest.raises(SpaceExhaustedError, match="6 different phenotypes have been trained, all 6"):
        for _ in range(20):
            trial = search.ask()
            assert trial is not None
            score = float(space.values(trial.genome)["width"])
            search.tell(trial.number, Outcome(Status.COMPLETED, {"val_accuracy": score}, epochs=1))
    assert len({space.key(t.genome) for t in search.history}) == 6


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: type(a).__name__)
def test_initial_genomes_come_first(algorithm: Algorithm) -> None:
    import dataclasses

    space = mixed_space()
    given = (space.genome(kind="c", width=7, rate=0.01), space.genome(kind="a", width=9, rate=0.02))
    history = run(dataclasses.replace(algorithm, initial=given), trials=8)
    assert tuple(t.genome for t in history[:2]) == given
    assert history[0].proposal.origin == "initial"


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: type(a).__name__)
def test_settings_become_json(algorithm: Algorithm) -> None:
    import json

    record = json.loads(json.dumps(algorithm.to_json()))
    assert record["algorithm"] == type(algorithm).__name__


def test_everything_failing_still_proposes() -> None:
    space = mixed_space()
    for algorithm in ALGORITHMS:
        search = AskTell(algorithm, space, epochs=9)
        for _ in range(25):
            trial = search.ask()
            assert trial is not None
            search.tell(trial.number, Outcome(Status.DIVERGED))


@pytest.mark.parametrize("settings", [{"design": 0}, {"beta": -1.0}, {"crossover": 1.5}, {"rungs": (3, 5)}])
def test_bad_settings_are_named(settings: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=next(iter(settings))):
        ScreenedEvolution(**settings).bind(Problem(mixed_space(), 9))  # type: ignore[arg-type]


def test_screening_finds_better_genomes_than_random_search() -> None:
    def mean_of_best(algorithm: Algorithm) -> float:
        best = []
        for seed in range(5):
            history = run(algorithm, trials=40, seed=seed, epochs=1)
            best.append(max(history.fitness(t.number)[0] for t in history))
        return float(np.mean(best))

    assert mean_of_best(ScreenedEvolution()) > mean_of_best(RandomSearch())


@pytest.mark.parametrize("concurrency", [1, 4])
def test_several_objectives(concurrency: int) -> None:
    for algorithm in (ScreenedEvolution(design=5, offspring=20), NSGA2(size=8)):
        history = run(algorithm, 40, concurrency=concurrency, objectives=("val_accuracy", "-parameters"))
        assert len(survivors(history, 10)) == 10


def test_the_finish_completes_the_survivors_and_then_replicates_them() -> None:
    space = mixed_space()
    history = run(ScreenedEvolution(design=5, offspring=20), trials=40, epochs=27)
    problem = Problem(space, 27)
    finish = FinalTraining(size=4, replicates=1).bind(problem)
    while (proposal := finish(history, generator(0, Purpose.FINISH, len(history)))) is not None:
        assert proposal.final and proposal.last_epoch == 27
        trial = Trial(len(history), proposal)
        history.append(trial)
        history.tell(trial.number, train(space, trial))
        assert len(history) < 80
    best = survivors(history, 4, space)
    assert all(history[n].proposal.last_epoch == 27 for n in best)
    replicated = [t for t in history if t.proposal.replicate]
    assert {space.key(t.genome) for t in replicated} == {space.key(history[n].genome) for n in best}
