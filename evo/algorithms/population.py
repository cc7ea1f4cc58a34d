"""The population of a campaign: its elite by phenotype, derived from the history."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

from deap import tools

from evo.algorithms.phenotypes import Keys, phenotypes
from evo.algorithms.toolbox import Candidate
from evo.core.history import History
from genomes.genome import Genome
from genomes.spaces.base import Space


def best_first(history: History, numbers: Iterable[int]) -> list[int]:
    """Completed trials from best to worst.

    With one objective by :meth:`History.rank_key`; with several by the fronts
    of non-domination and, within a front, by crowding distance (NSGA-II: Deb et al. 2002),
    ties going to the older trial.
    """
    ordered = sorted(numbers, key=history.rank_key, reverse=True)
    if len(history.objectives) == 1 or len(ordered) < 2:
        return ordered
    candidates = [Candidate(history[n].genome, history.fitness(n), n) for n in sorted(ordered)]
    chosen = tools.selNSGA2(candidates, len(candidates))
    fronts = tools.sortNondominated(candidates, len(candidates))
    rank = {id(c): i for i, front in enumerate(fronts) for c in front}
    chosen.sort(key=lambda c: (rank[id(c)], -c.fitness.crowding_dist, c.number))
    return [c.number for c in chosen]


def survivors(
    history: History, size: int, space: Space | None = None, keys: Callable[[Genome], str] | None = None
) -> list[int]:
    """The elite: numbers of the best ``size`` trials, each of another phenotype, best first.

    Those that were trained longest come first, since scores of unlike lengths do
    not compare; among them the best (with several objectives: NSGA-II's order).

    Args:
        history: the trials so far; pending and unsuccessful ones are left out.
        size: most numbers to return.
        space: says which genomes are one phenotype; ``genome.key`` if not given.
        keys: the same as a function, instead of ``space``.
    """
    key = keys or (Keys(space) if space is not None else lambda genome: genome.key)
    trained = [p for p in phenotypes(history, key).values() if p.best is not None]
    trained.sort(key=lambda p: p.reached, reverse=True)
    chosen: list[int] = []
    for _, group in itertools.groupby(trained, key=lambda p: p.reached):
        chosen.extend(best_first(history, [p.best for p in group if p.best is not None]))
        if len(chosen) >= size:
            break
    return chosen[:size]


def pareto(history: History, space: Space | None = None) -> list[int]:
    """Numbers of the non-dominated trials, one per phenotype, the best in the first objective first.

    Only trials of the longest training that any trial has reached take part; with one
    objective that leaves the best trial.
    """
    key = Keys(space) if space is not None else (lambda genome: genome.key)
    trained = [p for p in phenotypes(history, key).values() if p.best is not None]
    if not trained:
        return []
    longest = max(p.reached for p in trained)
    candidates = [
        Candidate(p.genome, history.fitness(p.best), p.best)
        for p in trained
        if p.reached == longest and p.best is not None
    ]
    if len(history.objectives) == 1:
        return [max((c.number for c in candidates if c.number is not None), key=history.rank_key)]
    front = tools.sortNondominated(candidates, len(candidates), first_front_only=True)[0]
    return sorted((c.number for c in front), key=history.rank_key, reverse=True)
