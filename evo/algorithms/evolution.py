"""Evolution without a surrogate: generational, and with aging."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from deap import algorithms

from evo.algorithms.breeding import exhausted, fresh, vary
from evo.algorithms.phenotypes import Keys, phenotypes
from evo.algorithms.problem import Algorithm, Problem, Step, check
from evo.algorithms.random_search import next_initial, whole
from evo.algorithms.toolbox import Candidate, deap_random
from evo.core.errors import SettingsError
from evo.core.history import History
from evo.core.trial import Proposal

#: Tries to breed a new phenotype from the population before a random one is taken.
_TRIES = 50


@dataclass(frozen=True)
class GeneticAlgorithm(Algorithm):
    """The generational genetic algorithm of DEAP's ``varAnd`` or ``varOr``, made elitist.

    The first generation is random. Every further one is bred from the best
    ``size`` phenotypes of all before it (mu + lambda), and is proposed when the
    one before it has come back completely. Children whose phenotype is known are bred again.

    Args:
        initial: genomes of the first generation.
        size: individuals per generation.
        crossover: probability of mating.
        mutation: probability of mutating.
        variation: ``and``: a child may be mated and mutated (``varAnd``);
            ``or``: one of the two (``varOr``; the probabilities may then add up to 1 at most).
    """

    size: int = 20
    crossover: float = 0.5
    mutation: float = 0.5
    variation: str = "and"

    def __post_init__(self) -> None:
        super().__post_init__()
        check("size", self.size, 2, whole=True)
        check("crossover", self.crossover, 0, 1)
        check("mutation", self.mutation, 0, 1)
        if self.variation not in ("and", "or"):
            raise SettingsError(f"variation: expected 'and' or 'or', got {self.variation!r}")
        if self.variation == "or" and self.crossover + self.mutation > 1:
            raise SettingsError(
                "crossover, mutation: expected to add up to at most 1 with variation='or', "
                f"got {self.crossover} and {self.mutation}"
            )

    def bind(self, problem: Problem) -> Step:
        """See :meth:`Algorithm.bind`."""
        return _Generational(self, problem, self._breed).propose

    def _breed(self, problem: Problem, population: list[Candidate]) -> list[Candidate]:
        toolbox = problem.toolbox
        chosen = [toolbox.clone(c) for c in toolbox.select(population, self.size)]
        if self.variation == "and":
            return algorithms.varAnd(chosen, toolbox, self.crossover, self.mutation)
        return algorithms.varOr(chosen, toolbox, self.size, self.crossover, self.mutation)


class _Generational:
    """Proposes generation after generation; ``breed`` makes children of the survivors."""

    def __init__(self, settings: GeneticAlgorithm, problem: Problem, breed: object) -> None:
        self.settings, self.problem, self.breed = settings, problem, breed
        self.keys = Keys(problem.space)

    def propose(self, history: History, rng: np.random.Generator) -> Proposal | None:
        """See :data:`evo.algorithms.problem.Step`."""
        settings, problem, keys = self.settings, self.problem, self.keys
        generation = len(history) // settings.size
        known = {keys(trial.genome) for trial in history}
        if generation == 0:
            candidate = next_initial(settings, keys, known)
            if candidate is None:
                with deap_random(rng):
                    candidate = fresh(problem, keys, known)
            return self._answer(history, candidate, known)
        parents_end = generation * settings.size
        if any(history[n].pending for n in range(parents_end)):
            return None
        population = survivors_of(problem, keys, history, parents_end, settings.size)
        with deap_random(rng):
            for _ in range(_TRIES if population else 0):
                for child in self.breed(problem, population):  # type: ignore[operator]
                    if keys(child.genome) not in known:
                        return whole(problem, child)
            return self._answer(history, fresh(problem, keys, known), known)

    def _answer(self, history: History, candidate: Candidate | None, known: set[str]) -> Proposal | None:
        if candidate is None:
            return exhausted(self.problem, history, len(known))
        return whole(self.problem, candidate)


def _finite(history: History, number: int) -> bool:
    return all(map(math.isfinite, history.fitness(number)))


def _candidate(history: History, number: int) -> Candidate:
    return Candidate(history[number].genome, history.fitness(number), number)


def survivors_of(problem: Problem, keys: Keys, history: History, end: int, size: int) -> list[Candidate]:
    """What the toolbox's ``survive`` leaves of the completed trials below ``end``."""
    candidates = [
        _candidate(history, p.best)
        for p in phenotypes(history, keys).values()
        if p.best is not None and p.best < end and not p.failed
    ]
    survived: list[Candidate] = problem.toolbox.survive(candidates, size)
    return survived


@dataclass(frozen=True)
class AgingEvolution(Algorithm):
    """Regularized evolution (Real et al. 2019, arXiv 1802.01548): the oldest die, not the worst.

    Args:
        initial: genomes to train first.
        population: how many of the newest phenotypes are alive.
        sample: how many of them are drawn; the best of those is the parent.
        crossover: probability of a crossover instead of a mutation (0 in the paper).
    """

    population: int = 100
    sample: int = 25
    crossover: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check("population", self.population, 2, whole=True)
        check("sample", self.sample, 1, self.population, whole=True)
        check("crossover", self.crossover, 0, 1)

    def bind(self, problem: Problem) -> Step:
        """See :meth:`Algorithm.bind`."""
        keys = Keys(problem.space)

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            known = {keys(trial.genome) for trial in history}
            candidate = next_initial(self, keys, known)
            alive = [t.number for t in history.completed() if _finite(history, t.number)][-self.population :]
            with deap_random(rng):
                if candidate is None and len(history) >= self.population and alive:
                    for _ in range(_TRIES):
                        drawn = rng.choice(len(alive), size=min(self.sample, len(alive)), replace=False)
                        sampled = [_candidate(history, alive[i]) for i in drawn]
                        parents = problem.toolbox.survive(sampled, 1)
                        if rng.random() < self.crossover:
                            other = alive[int(rng.integers(len(alive)))]
                            if other != parents[0].number:
                                parents = [*parents, _candidate(history, other)]
                        child = next(vary(problem, parents, 1.0, 0.0, rng.random))
                        if keys(child.genome) not in known:
                            candidate = child
                            break
                if candidate is None:
                    candidate = fresh(problem, keys, known)
            if candidate is None:
                return exhausted(problem, history, len(known))
            return whole(problem, candidate)

        return propose


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
        variation: ``and`` or ``or``, see :class:`GeneticAlgorithm`.
    """

    def _breed(self, problem: Problem, population: list[Candidate]) -> list[Candidate]:
        from deap import tools

        ranked = tools.selNSGA2(population, len(population))
        # Four at a time are compared by selTournamentDCD: fill up with the best.
        ranked += ranked[: -len(ranked) % 4]
        count = min(self.size - self.size % 4 or 4, len(ranked))
        chosen = [problem.toolbox.clone(c) for c in tools.selTournamentDCD(ranked, count - count % 4)]
        if self.variation == "and":
            return algorithms.varAnd(chosen, problem.toolbox, self.crossover, self.mutation)
        return algorithms.varOr(chosen, problem.toolbox, self.size, self.crossover, self.mutation)
