"""What breaks a promise of algorithms fails the check that is named after it: the suite has teeth."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from evo import Proposal
from evo.algorithms import Algorithm, Problem, RandomSearch, Step
from evo.testing import AlgorithmConformance
from genomes import Choice, Float, Genome, Space, spaces
from tests.evo.testing.failing_checks import fails


class AlgorithmSuite(AlgorithmConformance):
    def __init__(self, algorithm: Algorithm) -> None:
        self.algorithm = algorithm

    def make(self) -> Algorithm:
        return self.algorithm

    def spaces(self) -> dict[str, Space]:
        return {"endless": spaces.vector({"kind": Choice(["a", "b", "c"]), "rate": Float(0.0, 1.0)})}


def proposed(problem: Problem, genome: Genome, **values: Any) -> Proposal:
    return Proposal(genome, **({"last_epoch": problem.epochs, "final": True} | values))


@dataclass(frozen=True)
class Counting(RandomSearch):
    """Keeps a count between calls."""

    def bind(self, problem: Problem) -> Step:
        count = itertools.count(2)
        return lambda history, rng: proposed(problem, problem.space.sample(rng), last_epoch=next(count) % 8 + 1)


@dataclass(frozen=True)
class Global(RandomSearch):
    """Draws from the global random state."""

    def bind(self, problem: Problem) -> Step:
        return lambda history, rng: proposed(
            problem, problem.space.sample(np.random.default_rng(random.getrandbits(32)))
        )


@dataclass(frozen=True)
class Hashing(RandomSearch):
    """Depends on how strings hash."""

    def bind(self, problem: Problem) -> Step:
        return lambda history, rng: proposed(
            problem, problem.space.sample(np.random.default_rng(hash(f"trial {len(history)}") % 2**32))
        )


@dataclass(frozen=True)
class Repeating(RandomSearch):
    """Proposes one genome again and again."""

    def bind(self, problem: Problem) -> Step:
        return lambda history, rng: proposed(problem, problem.space.default())


@dataclass(frozen=True)
class Waiting(RandomSearch):
    """Waits for nothing."""

    def bind(self, problem: Problem) -> Step:
        return lambda history, rng: None if len(history) == 5 else proposed(problem, problem.space.sample(rng))


@dataclass(frozen=True)
class Climbing(RandomSearch):
    """Continues whatever came before, whether it completed or not, to an epoch further on."""

    def bind(self, problem: Problem) -> Step:
        def propose(history: Any, rng: np.random.Generator) -> Proposal:
            if len(history) % 2 == 0:
                return proposed(problem, problem.space.sample(rng), last_epoch=3, final=False)
            last = history[len(history) - 1]
            return proposed(problem, last.genome, continues=last.number, first_epoch=3)

        return propose


@dataclass(frozen=True)
class Changing(RandomSearch):
    """Tells the history what it wants to hear."""

    def bind(self, problem: Problem) -> Step:
        def propose(history: Any, rng: np.random.Generator) -> Proposal:
            history._trials[:] = history._trials[:-1]
            return proposed(problem, problem.space.sample(rng))

        return propose


@dataclass(frozen=True)
class TooLong(RandomSearch):
    """Trains past the full length."""

    def bind(self, problem: Problem) -> Step:
        return lambda history, rng: proposed(problem, problem.space.sample(rng), last_epoch=problem.epochs + 1)


@dataclass(frozen=True)
class Believing(RandomSearch):
    """Gives up where no trial has a score."""

    def bind(self, problem: Problem) -> Step:
        def propose(history: Any, rng: np.random.Generator) -> Proposal:
            assert len(history) < 8 or history.completed(), "nothing to breed from"
            return proposed(problem, problem.space.sample(rng))

        return propose


@dataclass(frozen=True)
class Unwritten(RandomSearch):
    """A setting that is lost in JSON."""

    size: int = 3

    def to_json(self) -> dict[str, Any]:
        return {"algorithm": "Unwritten", "initial": []}


@pytest.mark.parametrize(
    ("algorithm", "check", "args", "match"),
    [
        (Counting(), "test_the_same_binding_proposes_the_same_again", ("endless",), "asked again"),
        (Counting(), "test_a_fresh_binding_proposes_the_same", ("endless",), "freshly bound"),
        (Global(), "test_a_search_can_be_repeated", ("endless",), "second search"),
        (Global(), "test_global_random_states_are_left_alone", ("endless",), "state of random was changed"),
        (Hashing(), "test_another_process_proposes_the_same", ("endless",), "another process proposed"),
        (Repeating(), "test_no_phenotype_is_trained_twice", ("endless", 1), "phenotype of trial 0 again"),
        (Repeating(), "test_initial_genomes_come_first", ("endless",), "initial: expected the given genomes"),
        (Repeating(), "test_a_finite_space_ends_with_space_exhausted_error", (1,), "expected SpaceExhaustedError"),
        (Waiting(), "test_it_waits_only_while_something_is_pending", ("endless",), "would never continue"),
        (
            Climbing(),
            "test_only_completed_trials_are_continued_where_they_ended",
            ("endless", 1),
            "not seen to have completed|that trial ended",
        ),
        (Changing(), "test_nothing_that_is_given_is_changed", ("endless",), "changed the history"),
        (TooLong(), "test_proposals_are_genomes_of_the_space", ("endless", 1), "by the full length 9"),
        (Believing(), "test_the_search_survives", ("every trial fails",), "nothing to breed from"),
        (Unwritten(size=4), "test_settings_come_back_from_json", (), "make another algorithm"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("test") else None,
)
def test_broken_algorithms(algorithm: Algorithm, check: str, args: tuple[Any, ...], match: str) -> None:
    fails(getattr(AlgorithmSuite(algorithm), check), *args, match=match)
