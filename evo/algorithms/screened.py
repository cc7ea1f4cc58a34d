"""The default: screened steady-state evolution on a ladder of rungs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evo.algorithms.breeding import exhausted, fresh, vary
from evo.algorithms.halving import order_at
from evo.algorithms.initial import initial_design
from evo.algorithms.ladder import Ladder, promotable
from evo.algorithms.pace import Pace, spent
from evo.algorithms.phenotypes import Features, Keys, Phenotype, phenotypes
from evo.algorithms.population import survivors
from evo.algorithms.problem import Algorithm, Problem, Step, check
from evo.algorithms.random_search import next_initial
from evo.algorithms.timed_design import Affordable, timed_design
from evo.algorithms.toolbox import Candidate, deap_random
from evo.core.history import History
from evo.core.trial import Proposal
from genomes.genome import Genome

#: Trials above which parents come from the newest only.
_AGING = 500
#: Weight of the predicted standard deviation, and noise that the surrogate may choose besides its own choices: in a
#: space of finite size, and in any other.
_FINITE: tuple[float, tuple[float, ...]] = (0.5, ())
_ENDLESS: tuple[float, tuple[float, ...]] = (1.0, (0.5,))
#: Under a budget of time: the share of it that one training of full length may take,
_AFFORDABLE = 0.25
#: and the share that the initial design may.
_DESIGN = 0.25


@dataclass(frozen=True)
class ScreenedEvolution(Algorithm):
    """Screened steady-state evolution on a ladder of rungs.

    After the initial design every proposal is either the promotion of a good
    trial to the next rung, or the most promising of many offspring: bred from
    the elite, predicted by a Gaussian process, chosen by its upper confidence bound
    (Srinivas et al. 2010). Promotion is asynchronous (Li et al. 2020). Where minutes alone
    limit the campaign, only genomes are trained of which the time pays for several.

    Args:
        initial: genomes to train first.
        design: number of genomes in the initial design; by default as many as the epochs of one full
            training pay for at the lowest rung, but 10 to 30.
        pool: size of the elite that parents are drawn from.
        offspring: children bred for one that is trained.
        crossover: share of children from two parents.
        second: share of children with one more mutation.
        random: random genomes among the candidates, as a share of the offspring.
        beta: weight of the predicted standard deviation; by default 0.5 in a space of finite size, 1 in any other,
            where near copies of the best never run out.
        screening: predict the children; otherwise the first one bred is trained.
        aging: parents come from the newest 100 trials instead of all (Real et al. 2019);
            by default above 500 trials.
        eta: factor between rungs; 0 for a single rung of the full length.
        rungs: epochs of the rungs, the last being the full length; derived from it by ``eta`` if None.
        promote: at least one of so many climbs, however far the rungs lie apart.
        inherit: children take over their parent's weights where innovation and shape agree.
        rows: most phenotypes that the surrogate is fitted to.
    """

    design: int | None = None
    pool: int = 10
    offspring: int = 100
    crossover: float = 0.2
    second: float = 0.2
    random: float = 0.1
    beta: float | None = None
    screening: bool = True
    aging: bool | None = None
    eta: float = 3.0
    rungs: tuple[int, ...] | None = None
    inherit: bool = False
    promote: float = 7.0
    rows: int = 300

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.design is not None:
            check("design", self.design, 1, whole=True)
        for name in ("pool", "offspring"):
            check(name, getattr(self, name), 1, whole=True)
        check("rows", self.rows, 10, whole=True)
        for name in ("crossover", "second", "random"):
            check(name, getattr(self, name), 0, 1)
        if self.beta is not None:
            check("beta", self.beta, 0)
        check("promote", self.promote, 1)
        if self.eta != 0:
            check("eta", self.eta, 1.1)

    def bind(self, problem: Problem) -> Step:
        """See :meth:`Algorithm.bind`."""
        return _Bound(self, problem).propose


class _Bound:
    """The algorithm on one problem; what it keeps are caches of pure functions."""

    def __init__(self, settings: ScreenedEvolution, problem: Problem) -> None:
        # scikit-learn takes seconds to import: only a campaign that searches waits for it.
        from evo.algorithms.belief import Belief
        from evo.algorithms.surrogate import NOISES, Surrogate

        self.settings, self.problem = settings, problem
        self.keys = Keys(problem.space)
        rungs = (problem.epochs,) if settings.eta == 0 and settings.rungs is None else settings.rungs
        self.ladder = Ladder.make(problem.epochs, settings.eta or 3.0, rungs=rungs)
        paid = problem.epochs // self.ladder.rungs[0]
        self.design = settings.design if settings.design is not None else min(max(paid, 10), 30)
        # In a finite space neither more noise nor more weight of the uncertainty helped: docs/decisions/search.md.
        beta, noises = _ENDLESS if problem.space.size() is None else _FINITE
        self.beta = beta if settings.beta is None else settings.beta
        self.belief = Belief(Surrogate(noises=(*NOISES, *noises)), Features(problem.space), self.ladder, settings.rows)
        self.pace = None if problem.seconds is None else Pace(problem.space)

    def _affordable(self, genomes: Sequence[Genome]) -> np.ndarray:
        """Of which genomes several can be trained to the full length in time; once something has been timed."""
        assert self.pace is not None and self.problem.seconds is not None
        return self.pace.training(genomes, self.problem.epochs) <= _AFFORDABLE * self.problem.seconds

    def propose(self, history: History, rng: np.random.Generator) -> Proposal | None:
        """See :data:`evo.algorithms.problem.Step`."""
        settings = self.settings
        found = phenotypes(history, self.keys)
        trained = [p for p in found.values() if p.best is not None and not p.failed]
        affordable = self._affordable if self.pace is not None and self.pace.fit(history) else None
        designing = len(found) < max(self._design(history), len(settings.initial)) or not trained
        believing = settings.screening and not designing and self.belief.fit(history, found, rng)
        means: dict[str, float] = {}
        if believing:
            mean = self.belief.means([p.genome for p in trained])
            means = dict(zip((p.key for p in trained), mean.tolist(), strict=True))
        chosen = self._promotion(history, trained, means)
        if chosen is not None:
            return self.ladder.climb(chosen)
        with deap_random(rng):
            if designing:
                candidate = self._initial(history, set(found), affordable)
            else:
                candidate = self._offspring(history, found, trained, means, affordable, rng)
        if candidate is None:
            return exhausted(self.problem, history, len(found))
        return self.ladder.start(
            genome=candidate.genome,
            parents=candidate.parents,
            origin=candidate.origin,
            inherits=candidate.parents[0] if settings.inherit and candidate.parents else None,
        )

    def _initial(self, history: History, known: set[str], affordable: Affordable | None) -> Candidate | None:
        """The next genome of the initial design; those that the user gave come first."""
        given = next_initial(self.settings, self.keys, known)
        if given is not None:
            return given
        if self.pace is None:
            return initial_design(self.problem, self.keys, history, known)
        return timed_design(self.problem, self.keys, history, known, affordable)

    def _design(self, history: History) -> int:
        """Phenotypes of the initial design; fewer where they take too much of a budget of time."""
        if self.problem.seconds is None or spent(history) < _DESIGN * self.problem.seconds:
            return self.design
        return min(self.design, 10)

    def _promotion(self, history: History, trained: list[Phenotype], means: dict[str, float]) -> Phenotype | None:
        """Whom to promote, by what is believed of the full length if anything is."""

        def order(group: list[Phenotype], epochs: int) -> list[Phenotype]:
            if means:
                return sorted(group, key=lambda p: -means[p.key])
            return order_at(history, group, epochs)

        return promotable(self.ladder, trained, order, most=self.settings.promote, strict=True)

    def _offspring(
        self,
        history: History,
        found: dict[str, Phenotype],
        trained: list[Phenotype],
        means: dict[str, float],
        affordable: Affordable | None,
        rng: np.random.Generator,
    ) -> Candidate | None:
        """The most promising of many children; without screening the first one."""
        settings, problem = self.settings, self.problem
        wanted = settings.offspring if means else 1
        strangers = round(settings.random * wanted) if means else int(rng.random() < settings.random)
        candidates: dict[str, Candidate] = {}
        if means or not strangers:
            parents = self._parents(history, trained, means)
            children = vary(problem, parents, settings.crossover, settings.second, rng.random)
            for child in itertools.islice(children, 2 * wanted + 20):
                key = self.keys(child.genome)
                if key not in found and key not in candidates:
                    candidates[key] = child
                    if len(candidates) >= wanted:
                        break
        for _ in range(strangers):
            stranger = problem.toolbox.individual()
            key = self.keys(stranger.genome)
            if key not in found:
                candidates.setdefault(key, stranger)
        new = list(candidates.values())
        if affordable is not None and len(new) > 1:
            new = self._paid(new, affordable)
        if not new:
            return fresh(problem, self.keys, found.keys())
        if len(new) == 1:
            return new[0]
        mean, deviation = self.belief.predict([candidate.genome for candidate in new])
        return new[int(np.argmax(mean + self.beta * deviation))]

    def _paid(self, candidates: list[Candidate], affordable: Affordable) -> list[Candidate]:
        """Those that a budget of time can pay for; if it can pay for none, the quickest."""
        genomes = [candidate.genome for candidate in candidates]
        paid = affordable(genomes)
        if paid.any():
            return [candidate for candidate, can in zip(candidates, paid, strict=True) if can]
        assert self.pace is not None
        return [candidates[int(np.argmin(self.pace.per_epoch(genomes)))]]

    def _parents(self, history: History, trained: list[Phenotype], means: dict[str, float]) -> list[Candidate]:
        """The elite: the best by what is believed of the full length; with several objectives NSGA-II's."""
        settings = self.settings
        aging = len(history) > _AGING if settings.aging is None else settings.aging
        alive = [p for p in trained if not aging or p.first >= len(history) - 100] or trained
        if means and len(history.objectives) == 1:
            best = sorted(alive, key=lambda p: -means[p.key])[: settings.pool]
            return [Candidate(p.genome, (means[p.key],), p.best) for p in best]
        numbers = {p.best for p in alive}
        ordered = [n for n in survivors(history, len(history), keys=self.keys) if n in numbers]
        return [Candidate(history[n].genome, history.fitness(n), n) for n in ordered[: settings.pool]]
