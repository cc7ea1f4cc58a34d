"""How far a search follows what its user prefers: as far as the trials bear it out.

A share of the random genomes, and of the values that mutations change, is drawn from what is preferred
(:meth:`genomes.Space.prefer`). The share begins at one half, as in PriorBand (Mallik et al. 2023, arXiv
2306.12370), and falls where the best trials agree with the preference less often than the others, to nothing
in the end.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from deap import base

from evo.algorithms.ranking import best_first
from evo.algorithms.surrogates.surrogate import last_choice
from evo.algorithms.toolbox import Candidate, Operators
from evo.core.history import History
from evo.core.trial import Trial
from genomes.genome import Genome
from genomes.spaces.base import Space

#: Share of the draws that follow a preference that nothing speaks against.
_MOST = 0.5
#: The best of so many trials of one length count as good ones.
_GOOD = 3


class Trust:
    """The probability with which a draw follows the preferences of a space, from 0 to one half.

    It is the probability that good trials agree with them more often than the others do, each of the two shares
    with a beta distribution (in its normal approximation), cut off at one half. Trials are compared with those of
    the same length; what continues another trial was chosen, and does not count. It is found anew when a quarter more
    is known, and what is kept in between is checked against the history that is given.

    Args:
        space: says what is preferred, and how far a genome agrees.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._agreements: dict[str, float | None] = {}
        self._known: tuple[object, list[Trial], float] | None = None

    def __call__(self, history: History) -> float:
        """The trust that these trials leave."""
        early = history[: last_choice(len(history))]
        if self._known is None or self._known[0] is not history.objectives or self._known[1] != early:
            self._known = history.objectives, early, self._found(History(early, history.objectives))
        return self._known[2]

    def _found(self, history: History) -> float:
        agreeing, counted = [0.0, 0.0], [0.0, 0.0]
        begun = [t for t in history.completed() if t.proposal.continues is None and not t.proposal.replicate]
        begun = [t for t in begun if all(map(math.isfinite, history.fitness(t.number)))]
        for _, group in itertools.groupby(sorted(begun, key=lambda t: t.epochs), key=lambda t: t.epochs):
            ordered = best_first(history, [trial.number for trial in group])
            good = len(ordered) // _GOOD
            for place, number in enumerate(ordered):
                share = self._agreement(history[number].genome)
                if share is not None and good:
                    agreeing[place >= good] += share
                    counted[place >= good] += 1
        means = [(k + 1) / (n + 2) for k, n in zip(agreeing, counted, strict=True)]
        variance = sum(mean * (1 - mean) / (n + 3) for mean, n in zip(means, counted, strict=True))
        return min(_MOST, 0.5 * math.erfc((means[1] - means[0]) / math.sqrt(2 * variance)))

    def _agreement(self, genome: Genome) -> float | None:
        if genome.key not in self._agreements:
            self._agreements[genome.key] = self._space.agreement(genome)
        return self._agreements[genome.key]


class PreferringOperators(Operators):
    """Operators of which a share of the draws follows what is preferred in a space.

    Args:
        toolbox: operators under DEAP's names.
        rng: generator of the proposal.
        space: says what is preferred.
        share: of the random genomes, and of the mutants.
    """

    def __init__(self, toolbox: base.Toolbox, rng: np.random.Generator, space: Space, share: float) -> None:
        super().__init__(toolbox, rng)
        self._space, self._share = space, share

    def individual(self) -> Candidate:
        """A new random candidate; now and then with preferred values."""
        candidate = super().individual()
        if self.rng.random() < self._share:
            candidate.genome = self._space.leaning(candidate.genome, self.rng)
        return candidate

    def mutate(self, candidate: Candidate) -> tuple[Candidate]:
        """The mutant of a clone, as a tuple of one; now and then what has changed takes preferred values."""
        before = candidate.genome
        (mutant,) = super().mutate(candidate)
        if self.rng.random() < self._share:
            leaning = self._space.leaning(mutant.genome, self.rng, before)
            # A mutation that is taken back again is none.
            if self._space.key(leaning) != self._space.key(before):
                mutant.genome = leaning
        return (mutant,)
