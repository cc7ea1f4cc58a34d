"""Genomes whose phenotype has not been proposed yet: where they come from, and what is answered if there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set

from evo.algorithms.phenotypes import Keys
from evo.algorithms.toolbox import Candidate, Operators
from evo.core.errors import SpaceExhaustedError
from evo.core.history import History
from evo.core.trial import Proposal
from genomes.genome import Genome
from genomes.spaces.base import Space

#: Draws after which a space counts as used up, at least.
_LEAST_DRAWS = 1000
#: Draws per phenotype of the space: the last one is missed with a probability of exp(-12).
_DRAWS_PER_PHENOTYPE = 12
_MOST_DRAWS = 200_000
#: Broods that are bred in search of a new phenotype.
_BROODS = 50


class NewPhenotypes:
    """The genomes of a space whose phenotype is not in a history; ``genome in new`` asks for one.

    Args:
        space: where genomes come from.
        keys: phenotypes of genomes.
        history: the trials so far.
        known: their phenotypes, pending ones included; read off the history if not given.
    """

    def __init__(self, space: Space, keys: Keys, history: History, known: Set[str] | None = None) -> None:
        self.space, self.keys, self.history = space, keys, history
        self.known: Set[str] = {keys(trial.genome) for trial in history} if known is None else known

    def __contains__(self, genome: Genome) -> bool:
        return self.keys(genome) not in self.known

    def given(self, initial: Iterable[Genome]) -> Candidate | None:
        """The first of the genomes to begin with that is new; None if all have been proposed."""
        return next((Candidate(genome, origin="initial") for genome in initial if genome in self), None)

    def drawn(self, operators: Operators) -> Candidate | None:
        """A random new genome; None if there seems to be none left."""
        size, seen = self.space.size(), len(self.known)
        if size is not None and seen >= size:
            return None
        draws = min(max(_LEAST_DRAWS, _DRAWS_PER_PHENOTYPE * (size or seen)), _MOST_DRAWS)
        with operators:
            for _ in range(draws):
                candidate = operators.individual()
                candidate.origin = "random"
                if candidate.genome in self:
                    return candidate
        return None

    def pool(self, operators: Operators, draws: int) -> list[Candidate]:
        """All new phenotypes among so many random genomes; at least one unless there seems to be none left."""
        found: dict[str, Candidate] = {}
        with operators:
            for _ in range(draws):
                candidate = operators.individual()
                found.setdefault(self.keys(candidate.genome), candidate)
        pool = [candidate for key, candidate in found.items() if key not in self.known]
        if pool:
            return pool
        other = self.drawn(operators)
        return [] if other is None else [other]

    def bred(self, brood: Callable[[], Iterable[Candidate]]) -> Candidate | None:
        """The first new child of a few broods; None if all their children are known.

        Args:
            brood: breeds one or several children.
        """
        for _ in range(_BROODS):
            for child in brood():
                if child.genome in self:
                    return child
        return None

    def proposal(self, candidate: Candidate | None, start: Callable[[Candidate], Proposal]) -> Proposal | None:
        """The proposal that begins to train a new candidate, or the reason why there is none.

        Args:
            candidate: what was found; None if no new phenotype was.
            start: makes the proposal.

        Returns:
            None (wait) if nothing was found and trials are pending: they may fail, or end the campaign.

        Raises:
            SpaceExhaustedError: nothing was found, and nothing is pending.
        """
        if candidate is not None:
            return start(candidate)
        if self.history.pending():
            return None
        size, known = self.space.size(), len(self.known)
        of = f"all {size}" if size is not None and known >= size else "no further one could be drawn"
        raise SpaceExhaustedError(
            f"the space is used up: {known} different phenotypes have been trained, {of}. "
            "Widen the domains of the space, or end with this result."
        )
