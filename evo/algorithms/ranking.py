"""Which trial is the better one: the one order that every selection follows."""

from __future__ import annotations

from collections.abc import Iterable

from evo.algorithms.phenotypes import Phenotype
from evo.algorithms.toolbox import Candidate
from evo.core.history import History


def evaluated(history: History, number: int) -> Candidate:
    """A trial as DEAP's individual; its fitness is the trial's merit, so that who breaks constraints comes last."""
    return Candidate(history[number].genome, history.merit(number), number)


def best_first(history: History, numbers: Iterable[int]) -> list[int]:
    """Completed trials from best to worst.

    With one objective by :meth:`History.rank_key`; with several by the fronts
    of non-domination and, within a front, by crowding distance (NSGA-II: Deb et al. 2002),
    ties going to the older trial.
    """
    ordered = sorted(numbers, key=history.rank_key, reverse=True)
    if len(history.objectives) == 1 or len(ordered) < 2:
        return ordered
    from deap import tools  # it loads moocore

    candidates = [evaluated(history, number) for number in sorted(ordered)]
    chosen = tools.selNSGA2(candidates, len(candidates))
    fronts = tools.sortNondominated(candidates, len(candidates))
    rank = {id(c): i for i, front in enumerate(fronts) for c in front}
    chosen.sort(key=lambda c: (rank[id(c)], -c.fitness.crowding_dist, c.number))
    return [c.number for c in chosen]


def best_first_at(history: History, found: Iterable[Phenotype], epochs: int) -> list[Phenotype]:
    """Phenotypes by their outcomes at ``epochs`` (or at the next length beyond), best first.

    Those that have not been trained that long are left out.
    """
    by_number: dict[int, Phenotype] = {}
    for phenotype in found:
        marks = [mark for mark in phenotype.marks if mark >= epochs]
        if marks:
            by_number[phenotype.marks[min(marks)]] = phenotype
    return [by_number[number] for number in best_first(history, by_number)]
