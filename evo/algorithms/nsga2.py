"""NSGA-II: the genetic algorithm for several objectives."""

from __future__ import annotations

from dataclasses import dataclass

from evo.algorithms.genetic_algorithm import GeneticAlgorithm
from evo.algorithms.toolbox import Candidate, Operators


@dataclass(frozen=True)
class NSGA2(GeneticAlgorithm):
    """NSGA-II (Deb et al. 2002) with DEAP's selection, for any number of objectives.

    Parents are drawn by DEAP's crowded tournament ``selTournamentDCD`` from the
    survivors of ``selNSGA2``; mating and mutation are the toolbox's.

    Args:
        initial: genomes of the first generation.
        size: individuals per generation.
        crossover: probability of mating.
        mutation: probability of mutating.
        variation: ``and`` or ``or``, as for :class:`GeneticAlgorithm`.
    """

    def _parents(self, operators: Operators, population: list[Candidate]) -> list[Candidate]:
        from deap import tools  # it loads moocore

        ranked = tools.selNSGA2(population, len(population))
        # Four at a time are compared by selTournamentDCD: fill up with the best.
        ranked += ranked[: -len(ranked) % 4]
        count = min(self.size - self.size % 4 or 4, len(ranked))
        return operators.call(tools.selTournamentDCD, ranked, count - count % 4)
