"""The default: screened steady-state evolution on a ladder of rungs."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from evo.algorithms.affordability import Affordability
from evo.algorithms.algorithm import LATER, Algorithm, Step
from evo.algorithms.breeding import children
from evo.algorithms.designs import CostBlind, InitialDesign, WithinTime
from evo.algorithms.ladder import Ladder
from evo.algorithms.new_phenotypes import NewPhenotypes
from evo.algorithms.phenotypes import Keys, Phenotype, PhenotypeFold
from evo.algorithms.population import survivors
from evo.algorithms.problem import Problem
from evo.algorithms.promotion import promotable
from evo.algorithms.ranking import best_first_at, evaluated
from evo.algorithms.surrogates import Surrogate
from evo.algorithms.surrogates.belief import Belief
from evo.algorithms.surrogates.features import Features
from evo.algorithms.surrogates.named import SURROGATES
from evo.algorithms.toolbox import Candidate, Operators
from evo.core.checks import number, whole_number
from evo.core.errors import SettingsError
from evo.core.history import History
from evo.core.trial import Proposal
from genomes.spaces.base import Space

#: Trials above which parents come from the newest only,
_AGING = 500
#: and how many these are.
_NEWEST = 100
#: Weight of the predicted standard deviation in a space of finite size, and in any other.
_BETA_FINITE, _BETA_ENDLESS = 0.5, 1.0


@dataclass(frozen=True)
class ScreenedEvolution(Algorithm):
    """Screened steady-state evolution on a ladder of rungs.

    After the initial design every proposal is either the promotion of a good
    trial to the next rung, or the most promising of many offspring: bred from
    the elite, predicted by a surrogate, chosen by its upper confidence bound
    (Srinivas et al. 2010). Promotion is asynchronous (Li et al. 2020). Where only minutes
    limit the campaign, a genome is trained only if the time pays for several trainings like it, and a space's
    proven default (:attr:`genomes.Space.proven`) is trained to the full length at once if the time pays for eight.

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
        promote: at least the top ``1/promote`` of a rung is promoted, however far the rungs lie apart.
        inherit: children take over their parent's weights where innovation and shape agree; off by default,
            because it gained nothing in whole searches: docs/decisions/inheritance.md.
        rows: most observations that the surrogate is fitted to.
        surrogate: ``gaussian_process``, or a callable that makes a :class:`evo.algorithms.surrogates.Surrogate`
            for a space. A campaign with a callable of your own is resumed with the algorithm given again.
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
    promote: float = 14.0
    rows: int = 300
    surrogate: str | Callable[[Space], Surrogate] = field(default="gaussian_process", metadata=LATER)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.design is not None:
            whole_number(self.design, "design", 1)
        for name in ("pool", "offspring"):
            whole_number(getattr(self, name), name, 1)
        whole_number(self.rows, "rows", 10)
        for name in ("crossover", "second", "random"):
            number(getattr(self, name), name, 0, 1)
        if self.beta is not None:
            number(self.beta, "beta", 0)
        number(self.promote, "promote", 1)
        if self.eta != 0:
            number(self.eta, "eta", 1.1)
        named = isinstance(self.surrogate, str) and self.surrogate in SURROGATES
        if not named and not callable(self.surrogate):
            raise SettingsError(
                f"surrogate: expected one of {', '.join(SURROGATES)} or a callable that makes one for a space, "
                f"got {self.surrogate!r}"
            )

    def bind(self, problem: Problem) -> Step:
        """The callable that promotes, or proposes the most promising of many children; it never waits."""
        return _Search(self, problem).propose

    def to_json(self) -> dict[str, Any]:
        """Name and settings as a JSON object; a surrogate of your own is known by its module and name."""
        record = super().to_json()
        if callable(self.surrogate):
            name = getattr(self.surrogate, "__qualname__", type(self.surrogate).__qualname__)
            record["surrogate"] = f"{getattr(self.surrogate, '__module__', '')}:{name}"
        return record


class _Search:
    """The algorithm on one problem; what it keeps are caches of pure functions."""

    def __init__(self, settings: ScreenedEvolution, problem: Problem) -> None:
        self.settings, self.problem = settings, problem
        space = problem.space
        self.keys = Keys(space)
        self.phenotypes = PhenotypeFold(self.keys)
        rungs = (problem.epochs,) if settings.eta == 0 and settings.rungs is None else settings.rungs
        self.ladder = Ladder.make(problem.epochs, settings.eta or 3.0, rungs=rungs)
        beta = _BETA_ENDLESS if space.size() is None else _BETA_FINITE
        self.beta = beta if settings.beta is None else settings.beta
        make = settings.surrogate if callable(settings.surrogate) else SURROGATES[settings.surrogate]
        self.belief = Belief(make(space), Features(space), self.ladder, settings.rows)
        self.affordability = (
            None if problem.seconds is None else Affordability(space, problem.epochs, problem.seconds, problem.workers)
        )
        full_trainings = problem.epochs // self.ladder.rungs[0]
        self.design = InitialDesign(
            settings.design if settings.design is not None else min(max(full_trainings, 10), 30),
            CostBlind() if self.affordability is None else WithinTime(self.affordability),
        )

    def propose(self, history: History, rng: np.random.Generator) -> Proposal | None:
        """The next promotion or the next new genome, as :data:`evo.algorithms.Step` wants it."""
        settings = self.settings
        found = self.phenotypes(history)
        trained = [p for p in found.values() if p.best is not None and not p.failed]
        if self.affordability is not None:
            self.affordability.fit(history)
        designing = len(found) < max(self.design.size(history), len(settings.initial)) or not trained
        believing = settings.screening and not designing and self.belief.fit(history, found, rng)
        means: dict[str, float] = {}
        if believing:
            told = self.belief.told(trained)
            mean = self.belief.means([p.genome for p in told])
            means = dict(zip((p.key for p in told), mean.tolist(), strict=True))
        chosen = self._promotion(history, trained, means)
        if chosen is not None:
            return self.ladder.promote(chosen)
        new = NewPhenotypes(self.problem.space, self.keys, history, found.keys())
        with self.problem.operators(history, rng) as operators:
            if designing:
                candidate = new.given(settings.initial) or self.design.next(new, operators)
            else:
                candidate = self._offspring(new, trained, means, operators)
        inherits = candidate.parents[0] if candidate and settings.inherit and candidate.parents else None
        return new.proposal(candidate, partial(self.ladder.start, level=self._level(candidate), inherits=inherits))

    def _level(self, candidate: Candidate | None) -> int:
        """The rung up to which a new genome is trained: the lowest, but for a proven default that time can pay for."""
        space, affordable = self.problem.space, self.affordability
        proven = candidate is not None and space.proven and candidate.genome == space.default()
        return self.ladder.top if proven and affordable is not None and affordable.at_once(space.default()) else 0

    def _promotion(self, history: History, trained: list[Phenotype], means: dict[str, float]) -> Phenotype | None:
        """The phenotype to promote, by predictions at full length if there are any."""

        def order(group: list[Phenotype], epochs: int) -> list[Phenotype]:
            return _by_mean(group, means) if means else best_first_at(history, group, epochs)

        return promotable(self.ladder, trained, order, most=self.settings.promote, strict=True)

    def _offspring(
        self, new: NewPhenotypes, trained: list[Phenotype], means: dict[str, float], operators: Operators
    ) -> Candidate | None:
        """The most promising of many children; without screening the first one; None if there is nothing new."""
        candidates = self._bred(new, trained, means, operators)
        if self.affordability is not None and self.affordability.timed and len(candidates) > 1:
            candidates = self.affordability.among(candidates)
        if not candidates:
            return new.drawn(operators)
        if len(candidates) == 1:
            return candidates[0]
        mean, deviation = self.belief.predict([candidate.genome for candidate in candidates])
        return candidates[int(np.argmax(mean + self.beta * deviation))]

    def _bred(
        self, new: NewPhenotypes, trained: list[Phenotype], means: dict[str, float], operators: Operators
    ) -> list[Candidate]:
        """Children and some random genomes, each of another new phenotype; without screening one or none."""
        settings = self.settings
        wanted = settings.offspring if means else 1
        strangers = round(settings.random * wanted) if means else int(operators.rng.random() < settings.random)
        candidates: dict[str, Candidate] = {}
        if means or not strangers:
            parents = self._parents(new.history, trained, means)
            bred = children(operators, parents, settings.crossover, settings.second)
            for child in itertools.islice(bred, 2 * wanted + 20):
                key = self.keys(child.genome)
                if child.genome in new and key not in candidates:
                    candidates[key] = child
                    if len(candidates) >= wanted:
                        break
        for _ in range(strangers):
            stranger = operators.individual()
            if stranger.genome in new:
                candidates.setdefault(self.keys(stranger.genome), stranger)
        return list(candidates.values())

    def _parents(self, history: History, trained: list[Phenotype], means: dict[str, float]) -> list[Candidate]:
        """The elite: the best by predictions at full length; with several objectives by NSGA-II."""
        settings = self.settings
        aging = len(history) > _AGING if settings.aging is None else settings.aging
        alive = [p for p in trained if not aging or p.first >= len(history) - _NEWEST] or trained
        if means and len(history.objectives) == 1:
            best = (_by_mean(alive, means) or _by_mean(trained, means))[: settings.pool]
            return [Candidate(p.genome, (means[p.key],), p.best) for p in best]
        numbers = {p.best for p in alive}
        ordered = [n for n in survivors(history, len(history), keys=self.keys) if n in numbers]
        return [evaluated(history, number) for number in ordered[: settings.pool]]


def _by_mean(group: list[Phenotype], means: dict[str, float]) -> list[Phenotype]:
    """Those phenotypes that were predicted, by their means at full length, best first."""
    return sorted((p for p in group if p.key in means), key=lambda p: -means[p.key])
