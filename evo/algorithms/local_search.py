"""Local search: from the best so far to a neighbour that is better, until there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evo.algorithms.algorithm import Algorithm, Step
from evo.algorithms.ladder import Ladder
from evo.algorithms.new_phenotypes import NewPhenotypes
from evo.algorithms.phenotypes import Keys, Phenotype, PhenotypeFold
from evo.algorithms.problem import Problem
from evo.algorithms.ranking import best_first, evaluated
from evo.algorithms.toolbox import Candidate, Operators
from evo.core.checks import whole_number
from evo.core.history import History
from evo.core.trial import Proposal


@dataclass(frozen=True)
class LocalSearch(Algorithm):
    """Local search (White et al. 2020, arXiv 2005.02960): from the best so far to the first neighbour that is better.

    A climb begins with a random genome and stands at the best that it has found. Neighbours are mutants of that one;
    each is trained to the full length. When so many neighbours were not better, the climb has ended; the best of
    the other climbs goes on, and when all have ended a new one begins.

    Args:
        initial: genomes to train first, each the beginning of a climb.
        starts: genomes that climbs begin with before any neighbour is trained, the initial ones included.
        patience: neighbours of one genome that are tried before the climb ends.
    """

    starts: int = 10
    patience: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self.starts, "starts", 1)
        whole_number(self.patience, "patience", 1)

    def bind(self, problem: Problem) -> Step:
        """The callable that proposes the beginnings, then neighbours of where a climb stands; it never waits."""
        keys, ladder = Keys(problem.space), Ladder((problem.epochs,))
        phenotypes = PhenotypeFold(keys)

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            found = phenotypes(history)
            new = NewPhenotypes(problem.space, keys, history, found.keys())
            candidate = new.given(self.initial)
            with problem.operators(history, rng) as operators:
                if candidate is None:
                    candidate = self._neighbour(new, operators, found.values()) or new.drawn(operators)
            return new.proposal(candidate, ladder.start)

        return propose

    def _neighbour(self, new: NewPhenotypes, operators: Operators, found: Iterable[Phenotype]) -> Candidate | None:
        """A neighbour of the best place from which a climb may go on; None where a new climb is to begin."""
        climbs, tried = _climbs(new.history, found)
        if len(climbs) < self.starts:
            return None
        places = [best_first(new.history, climb)[0] for climb in climbs if climb]
        for place in best_first(new.history, places):
            if tried.get(place, 0) < self.patience:
                here = evaluated(new.history, place)
                neighbour = new.bred(lambda here=here: [_mutant(operators, here)])  # type: ignore[misc]
                if neighbour is not None:
                    return neighbour
        return None


def _mutant(operators: Operators, parent: Candidate) -> Candidate:
    (child,) = operators.mutate(operators.clone(parent))
    return child


def _climbs(history: History, found: Iterable[Phenotype]) -> tuple[list[list[int]], dict[int, int]]:
    """The completed trials of every climb, and how many neighbours of each trial were proposed, pending ones included.

    Only the first trial of a phenotype counts: what continues or repeats it comes from elsewhere.
    """
    climbs: list[list[int]] = []
    climb_of: dict[int, list[int]] = {}
    tried: dict[int, int] = {}
    for phenotype in found:
        trial = history[phenotype.first]
        parent = next(iter(trial.proposal.parents), None)
        if parent is None or parent not in climb_of:
            climb_of[trial.number] = []
            climbs.append(climb_of[trial.number])
        else:
            climb_of[trial.number] = climb_of[parent]
            tried[parent] = tried.get(parent, 0) + 1
        if phenotype.first in phenotype.marks.values():
            climb_of[trial.number].append(trial.number)
    return climbs, tried
