"""Bayesian optimization: the genome from which the most improvement is expected."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from evo.algorithms.algorithm import Algorithm, Step
from evo.algorithms.breeding import children
from evo.algorithms.designs import CostBlind, InitialDesign
from evo.algorithms.ladder import Ladder
from evo.algorithms.new_phenotypes import NewPhenotypes
from evo.algorithms.phenotypes import Keys, PhenotypeFold
from evo.algorithms.problem import Problem
from evo.algorithms.surrogates.belief import Belief
from evo.algorithms.surrogates.expected_improvement import expected_improvement
from evo.algorithms.surrogates.features import Features
from evo.algorithms.surrogates.named import SURROGATES
from evo.algorithms.toolbox import Candidate, Operators
from evo.core.checks import whole_number
from evo.core.history import History
from evo.core.trial import Proposal

#: Share of the known genomes, the best predicted, of which mutants are candidates; one at least.
_ELITE = 10


@dataclass(frozen=True)
class BayesianOptimization(Algorithm):
    """Bayesian optimization with a Gaussian process and expected improvement, every training of full length.

    Expected improvement is Mockus' (1978; Jones et al. 1998), counted from the best predicted mean of what has been
    trained, since scores are noisy. It is maximised over random genomes and over mutants of the best
    predicted ones, as SMAC does (Hutter et al. 2011): spaces of architectures have no gradients. Trials that are under
    way are taken to come out as predicted (Ginsbourger et al. 2010). With several objectives every proposal weighs them
    anew (ParEGO: Knowles 2006). Where trainings may be stopped early, :class:`ScreenedEvolution`
    needs far fewer epochs.

    Args:
        initial: genomes to train first.
        design: genomes that are trained before anything is predicted: the space's default, its smallest, and random
            ones far from each other.
        candidates: genomes among which the expected improvement is maximised, half of them random.
        rows: most observations that the Gaussian process is fitted to.
    """

    design: int = 10
    candidates: int = 200
    rows: int = 300

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self.design, "design", 1)
        whole_number(self.candidates, "candidates", 2)
        whole_number(self.rows, "rows", 10)

    def bind(self, problem: Problem) -> Step:
        """The callable that proposes the design, then the candidate from which most is expected; it never waits."""
        space, keys, ladder = problem.space, Keys(problem.space), Ladder((problem.epochs,))
        belief = Belief(SURROGATES["gaussian_process"](space), Features(space), ladder, self.rows)
        design, phenotypes = InitialDesign(self.design, CostBlind()), PhenotypeFold(keys)

        def propose(history: History, rng: np.random.Generator) -> Proposal | None:
            found = phenotypes(history)
            new = NewPhenotypes(space, keys, history, found.keys())
            candidate = new.given(self.initial)
            if candidate is None:
                trained = [p.genome for p in found.values() if p.best is not None and not p.failed]
                believing = len(found) >= self.design and bool(trained) and belief.fit(history, found, rng)
                with problem.operators(history, rng) as operators:
                    if not believing:
                        candidate = design.next(new, operators)
                    else:
                        means = belief.means(trained)
                        best = np.argsort(-means, kind="stable")[: max(1, len(trained) // _ELITE)]
                        elite = [Candidate(trained[i], (means[i],), found[keys(trained[i])].best) for i in best]
                        offered = self._offered(new, operators, elite)
                        if offered:
                            mean, deviation = belief.predict([one.genome for one in offered])
                            gain = expected_improvement(mean, deviation, float(means[best[0]]))
                            # Far below the best every gain is 0: then the highest mean.
                            candidate = offered[int(np.lexsort((mean, gain))[-1])]
            return new.proposal(candidate, ladder.start)

        return propose

    def _offered(self, new: NewPhenotypes, operators: Operators, elite: list[Candidate]) -> list[Candidate]:
        """New genomes, each of another phenotype: mutants of the elite, and random ones."""
        offered: dict[str, Candidate] = {}
        wanted = self.candidates // 2
        for child in itertools.islice(children(operators, elite, crossover=0.0, second=0.5), wanted):
            if child.genome in new:
                offered.setdefault(new.keys(child.genome), child)
        for stranger in new.pool(operators, self.candidates - wanted):
            offered.setdefault(new.keys(stranger.genome), stranger)
        return list(offered.values())
