"""A preference is followed as far as trials bear it out."""

from __future__ import annotations

import numpy as np
import pytest

from evo.algorithms import AskTell, Problem, RandomSearch, ScreenedEvolution
from evo.algorithms.toolbox import Operators
from evo.algorithms.trust import PreferringOperators, Trust
from evo.core.history import History
from evo.core.trial import Outcome, Proposal, Status, Trial
from genomes import Choice, Float, spaces
from genomes.spaces.vector import VectorSpace

SPACE = spaces.vector({"kind": Choice(["a", "b", "c", "d"]), "x": Float(0.0, 1.0)}).prefer("kind", ["a"])


def history_of(agreeing: str, continues: bool = False) -> History:
    """Trials from the best to the worst; a star is one that agrees."""
    history = History()
    for number, one in enumerate(agreeing):
        genome = SPACE.genome(kind="a" if one == "*" else "b", x=number / 100)
        proposal = Proposal(genome, int(continues and number > 0), 2, 0 if continues and number else None)
        history.append(Trial(number, proposal))
        history.tell(number, Outcome(Status.COMPLETED, {"val_accuracy": 1 - number / 100}, epochs=proposal.epochs))
    return history


@pytest.mark.parametrize(
    ("agreeing", "least", "most"),
    [
        ("", 0.5, 0.5),
        ("*-", 0.5, 0.5),
        ("***------", 0.5, 0.5),
        ("------***", 0.0, 0.35),
        ("-" * 20 + "*" * 20, 0.0, 1e-3),
    ],
)
def test_trust_falls_where_the_best_do_not_agree(agreeing: str, least: float, most: float) -> None:
    # All of it counts: hyperparameters of trust are not those of a part of these short histories.
    trust = Trust(SPACE)
    assert least <= trust(history_of(agreeing)) <= most
    assert trust(history_of("***------")) == 0.5  # what it saw before does not matter
    assert trust(history_of(agreeing)) == Trust(SPACE)(history_of(agreeing))


def test_what_was_chosen_to_be_continued_does_not_count() -> None:
    assert Trust(SPACE)(history_of("------***", continues=True)) == 0.5


def test_without_preferences_the_operators_are_the_plain_ones() -> None:
    plain = spaces.vector({"x": Float(0.0, 1.0)})
    assert type(Problem(plain).operators(History(), np.random.default_rng(0))) is Operators
    assert type(Problem(SPACE).operators(History(), np.random.default_rng(0))) is PreferringOperators


def test_half_of_the_random_genomes_and_of_the_mutated_values_are_preferred_ones() -> None:
    problem = Problem(SPACE)
    operators = problem.operators(History(), np.random.default_rng(0))
    drawn = [SPACE.values(operators.individual().genome)["kind"] for _ in range(400)]
    assert 0.55 < drawn.count("a") / 400 < 0.7  # a half, and a quarter of the other
    parent = operators.individual()
    parent.genome = SPACE.genome(kind="b", x=0.5)
    kinds = [SPACE.values(operators.mutate(operators.clone(parent))[0].genome)["kind"] for _ in range(400)]
    assert 0.4 < kinds.count("b") / 400 < 0.6  # half of the mutations are of x
    assert 0.25 < kinds.count("a") / 400 < 0.42


@pytest.mark.parametrize("right", [True, False])
def test_a_search_gains_by_a_right_preference_and_forgets_a_wrong_one(right: bool) -> None:
    """The best of eight kinds, or the worst, is preferred; what the later trials are made of."""
    kinds = list("abcdefgh")
    space: VectorSpace = spaces.vector({"kind": Choice(kinds), "x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})
    search = AskTell(ScreenedEvolution(), space.prefer("kind", ["h" if right else "a"]))
    for _ in range(48):
        trial = search.ask()
        assert trial is not None
        values = space.values(trial.genome)
        score = kinds.index(str(values["kind"])) / 8 - (float(values["x"]) - 0.3) ** 2 - float(values["y"]) ** 2  # type: ignore[arg-type]
        search.tell(trial.number, Outcome(Status.COMPLETED, {"val_accuracy": score}, epochs=1))
    late = [space.values(trial.genome)["kind"] for trial in search.history[24:]]
    assert late.count("h") >= 12 and late.count("a") <= 6
    first = [space.values(trial.genome)["kind"] for trial in search.history[:12]]
    assert first.count("h" if right else "a") >= 2


def test_random_search_forgets_too() -> None:
    search = AskTell(RandomSearch(), SPACE)
    for _ in range(120):
        trial = search.ask()
        assert trial is not None
        values = SPACE.values(trial.genome)
        score = float(values["x"]) - 2 * (values["kind"] == "a")  # type: ignore[arg-type]
        search.tell(trial.number, Outcome(Status.COMPLETED, {"val_accuracy": score}, epochs=1))
    agreeing = [SPACE.values(trial.genome)["kind"] == "a" for trial in search.history]
    assert sum(agreeing[-40:]) <= 18  # a quarter without any preference, five eighths with trust in it
