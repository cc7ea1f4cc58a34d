"""The default: screened steady-state evolution on a ladder of rungs."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from evo.algorithms.breeding import exhausted, fresh, vary
from evo.algorithms.halving import order_at
from evo.algorithms.initial import initial_design
from evo.algorithms.ladder import Ladder, promotable
from evo.algorithms.phenotypes import Keys, Phenotype, phenotypes
from evo.algorithms.population import survivors
from evo.algorithms.problem import Algorithm, Problem, Step, check
from evo.algorithms.surrogate import Surrogate
from evo.algorithms.targets import common_scale
from evo.algorithms.toolbox import Candidate, deap_random
from evo.history import History, Proposal


@dataclass(frozen=True)
class ScreenedEvolution(Algorithm):
    """Screened steady-state evolution on a ladder of rungs.

    After the initial design every proposal is either the promotion of a good
    trial to the next rung, or the most promising of many offspring: bred from
    the elite, predicted by a Gaussian process, chosen by its upper confidence bound
    (Srinivas et al. 2010). Promotion is asynchronous (Li et al. 2020).

    Args:
        initial: genomes to train first.
        design: number of genomes in the initial design.
        pool: size of the elite that parents are drawn from.
        offspring: children bred for one that is trained.
        crossover: share of children from two parents.
        second: share of children with one more mutation.
        random: share of random genomes among the candidates.
        beta: weight of the predicted standard deviation.
        screening: predict the children; otherwise the first one bred is trained.
        aging: parents come from the newest 100 trials instead of all (Real et al. 2019);
            by default above 500 trials.
        eta: factor between rungs; 0 for a single rung of the full length.
        rungs: epochs of the rungs, the last being the full length; derived from it by ``eta`` if None.
        inherit: children take over their parent's weights where innovation and shape agree.
        rows: most phenotypes that the surrogate is fitted to.
    """

    design: int = 10
    pool: int = 5
    offspring: int = 100
    crossover: float = 0.2
    second: float = 0.2
    random: float = 0.1
    beta: float = 0.5
    screening: bool = True
    aging: bool | None = None
    eta: float = 3.0
    rungs: tuple[int, ...] | None = None
    inherit: bool = False
    rows: int = 300

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("design", "pool", "offspring"):
            check(name, getattr(self, name), 1, whole=True)
        check("rows", self.rows, 10, whole=True)
        for name in ("crossover", "second", "random"):
            check(name, getattr(self, name), 0, 1)
        check("beta", self.beta, 0)
        if self.eta != 0:
            check("eta", self.eta, 1.1)

    def bind(self, problem: Problem) -> Step:
        """See :meth:`Algorithm.bind`."""
        return _Bound(self, problem).propose


class _Bound:
    """The algorithm on one problem; what it keeps are caches of pure functions."""

    def __init__(self, settings: ScreenedEvolution, problem: Problem) -> None:
        self.settings, self.problem = settings, problem
        self.keys = Keys(problem.space)
        rungs = (problem.epochs,) if settings.eta == 0 and settings.rungs is None else settings.rungs
        self.ladder = Ladder.make(problem.epochs, settings.eta or 3.0, rungs=rungs)
        self.surrogate = Surrogate()
        self._features: dict[str, np.ndarray] = {}

    def propose(self, history: History, rng: np.random.Generator) -> Proposal | None:
        """See :data:`evo.algorithms.problem.Step`."""
        found = phenotypes(history, self.keys)
        promoted = self._promote(history, found)
        if promoted is not None:
            return promoted
        with deap_random(rng):
            candidate = self._new(history, found, rng)
        if candidate is None:
            return exhausted(self.problem, history, len(found))
        inherits = None
        if self.settings.inherit and candidate.parents:
            inherits = candidate.parents[0]
        return self.ladder.start(
            genome=candidate.genome, parents=candidate.parents, origin=candidate.origin, inherits=inherits
        )

    # -- promotion -----------------------------------------------------------------
    def _promote(self, history: History, found: dict[str, Phenotype]) -> Proposal | None:
        trained = [p for p in found.values() if p.best is not None]
        chosen = promotable(self.ladder, trained, lambda group, epochs: order_at(history, group, epochs))
        return None if chosen is None else self.ladder.climb(chosen)

    # -- new genomes ---------------------------------------------------------------
    def _new(
        self, history: History, found: dict[str, Phenotype], rng: np.random.Generator
    ) -> Candidate | None:
        settings, problem = self.settings, self.problem
        known = set(found)
        design = max(settings.design, len(settings.initial))
        elite = self._elite(history)
        if len(found) < design or not elite:
            return initial_design(settings, problem, self.keys, history, known, len(found))
        parents = [Candidate(history[n].genome, history.fitness(n), n) for n in elite]
        candidates: dict[str, Candidate] = {}
        children = vary(problem, parents, settings.crossover, settings.second, rng.random)
        wanted = settings.offspring if settings.screening else 1
        for child in itertools.islice(children, 3 * wanted + 20):
            key = self.keys(child.genome)
            if key not in known and key not in candidates:
                candidates[key] = child
                if len(candidates) >= wanted:
                    break
        strangers = round(settings.random * settings.offspring)
        if not settings.screening:
            strangers = int(rng.random() < settings.random)
            candidates = {} if strangers else candidates
        for _ in range(strangers):
            child = problem.toolbox.individual()
            candidates.setdefault(self.keys(child.genome), child)
        new = [candidate for key, candidate in candidates.items() if key not in known]
        if not new:
            return fresh(problem, self.keys, known)
        return new[0] if len(new) == 1 else self._best(history, found, new, rng)

    def _elite(self, history: History) -> list[int]:
        """The parents: survivors by phenotype that never failed, highest rung first."""
        settings = self.settings
        size = settings.pool
        aging = len(history) > 500 if settings.aging is None else settings.aging
        ordered = survivors(history, len(history) if aging else size, keys=self.keys)
        if aging:
            ordered = [n for n in ordered if n >= len(history) - 100] or ordered
        return ordered[:size]

    # -- screening -----------------------------------------------------------------
    def features(self, candidates: list[Candidate]) -> np.ndarray:
        """Features of genomes, remembered by key; shape (candidates, features)."""
        rows = []
        for candidate in candidates:
            key = candidate.genome.key
            if key not in self._features:
                self._features[key] = self.problem.space.features(candidate.genome)
            rows.append(self._features[key])
        return np.array(rows)

    def _best(
        self, history: History, found: dict[str, Phenotype], new: list[Candidate], rng: np.random.Generator
    ) -> Candidate:
        """The candidate with the highest upper confidence bound."""
        targets, noise = common_scale(history, found, self.ladder, rng)
        if not targets:
            return new[0]
        rows = self._rows(found, targets)
        x = self.features([Candidate(found[key].genome) for key in rows])
        z = np.array([targets[key] for key in rows])
        alpha = np.array([noise[key] for key in rows])
        length = self.surrogate.choose(x, z, alpha)
        self.surrogate.fit(x, z, alpha, length)
        waiting = [p for p in found.values() if p.pending and p.key not in targets]
        if waiting:
            # What is still being trained is taken to turn out as predicted.
            ahead = self.features([Candidate(p.genome) for p in waiting])
            mean, _ = self.surrogate.predict(ahead)
            x, z = np.vstack([x, ahead]), np.concatenate([z, mean])
            alpha = np.concatenate([alpha, np.full(len(waiting), float(alpha.min()))])
            self.surrogate.fit(x, z, alpha, length)
        mean, deviation = self.surrogate.predict(self.features(new))
        return new[int(np.argmax(mean + self.settings.beta * deviation))]

    def _rows(self, found: dict[str, Phenotype], targets: dict[str, float]) -> list[str]:
        """The phenotypes to fit: all, or the best half, the newest quarter and an even sample."""
        most = self.settings.rows
        keys = [key for key in found if key in targets]
        if len(keys) <= most:
            return keys
        kept = dict.fromkeys(sorted(keys, key=lambda key: -targets[key])[: most // 2])
        kept.update(dict.fromkeys(keys[-(most // 4) :]))
        others = [key for key in keys if key not in kept]
        step = max(1, math.ceil(len(others) / max(1, most - len(kept))))
        kept.update(dict.fromkeys(others[::step]))
        return [key for key in keys if key in kept]
