"""The population of a campaign: its elite by phenotype, derived from the history."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

from evo.algorithms.phenotypes import Keys, Phenotype, phenotypes
from evo.algorithms.ranking import best_first, evaluated
from evo.core.history import History
from genomes.genome import Genome
from genomes.spaces.base import Space


def survivors(
    history: History,
    size: int,
    space: Space | None = None,
    keys: Callable[[Genome], str] | None = None,
    found: Iterable[Phenotype] | None = None,
) -> list[int]:
    """The elite: numbers of the best ``size`` trials, each of another phenotype, best first.

    Those that were trained longest come first, since scores of unlike lengths do
    not compare; among them the best (with several objectives: NSGA-II's order).

    Args:
        history: the trials so far; pending and unsuccessful ones are left out.
        size: most numbers to return.
        space: says which genomes are one phenotype; ``genome.key`` if not given.
        keys: the same as a function, instead of ``space``.
        found: the history's phenotypes, where they are known.
    """
    trained = _trained(history, keys or _keys(space)) if found is None else [p for p in found if p.best is not None]
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

    Args:
        history: the trials so far; pending and unsuccessful ones are left out.
        space: says which genomes are one phenotype; ``genome.key`` if not given.
    """
    trained = _trained(history, _keys(space))
    if not trained:
        return []
    longest = max(p.reached for p in trained)
    numbers = [p.best for p in trained if p.reached == longest and p.best is not None]
    if len(history.objectives) == 1:
        return [max(numbers, key=history.rank_key)]
    from deap import tools  # it loads moocore

    candidates = [evaluated(history, number) for number in numbers]
    front = tools.sortNondominated(candidates, len(candidates), first_front_only=True)[0]
    return sorted((c.number for c in front), key=history.rank_key, reverse=True)


def _keys(space: Space | None) -> Callable[[Genome], str]:
    return (lambda genome: genome.key) if space is None else Keys(space)


def _trained(history: History, keys: Callable[[Genome], str]) -> list[Phenotype]:
    """Phenotypes with a completed trial, in order of their first trials."""
    return [p for p in phenotypes(history, keys).values() if p.best is not None]
