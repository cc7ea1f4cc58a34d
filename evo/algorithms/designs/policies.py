"""Policies of the initial design: blind to what trainings cost, or within a budget of time."""

from __future__ import annotations

from evo.algorithms.affordability import Affordability
from evo.algorithms.designs.reduction import reduced
from evo.algorithms.new_phenotypes import NewPhenotypes
from evo.algorithms.toolbox import Candidate, Operators
from evo.core.history import History

#: Random genomes among which the next one of the design is chosen.
POOL = 32
#: Operations of the first genome after the smallest, as a share of the default's; every further one may have twice
#: as many.
_FIRST = 1 / 64
#: How many of the cheapest are chosen from where none is affordable.
_FEWEST = 4
#: Phenotypes of a design that has used up its share of the time.
_SHORT = 10


class CostBlind:
    """First the space's default and its smallest, then random genomes, whatever their training costs."""

    def size(self, wanted: int, history: History) -> int:
        """As many as wanted."""
        return wanted

    def anchor(self, new: NewPhenotypes, operators: Operators) -> Candidate | None:
        """The space's default, then its smallest."""
        return new.given((new.space.default(), new.space.smallest()))

    def pool(self, new: NewPhenotypes, operators: Operators) -> list[Candidate]:
        """Random genomes."""
        return new.pool(operators, POOL)


class WithinTime:
    """Only what can be trained in time, the cheapest first.

    First the space's smallest. Until something has been timed, reductions of the space's default, the cheapest
    first. Then the default if it is affordable, otherwise every second genome is the default reduced until it
    is. All others are random ones among the affordable.

    Args:
        affordability: what the budget of time can pay for, fitted to the history.
    """

    def __init__(self, affordability: Affordability) -> None:
        self.affordability = affordability

    def size(self, wanted: int, history: History) -> int:
        """As many as wanted, at most 10 once a quarter of the time has been spent."""
        return min(wanted, _SHORT) if self.affordability.design_ends(history) else wanted

    def anchor(self, new: NewPhenotypes, operators: Operators) -> Candidate | None:
        """The smallest, the default, or a reduction of the default."""
        space, affordable = new.space, self.affordability
        default, smallest = space.default(), space.smallest()
        if smallest in new:
            return Candidate(smallest, origin="initial")
        if not affordable.timed:
            limit = _FIRST * 2.0 ** max(0, len(new.known) - 1) * space.cost_without_building(default).flops
            return reduced(
                space, operators, default, lambda g: space.cost_without_building(g).flops <= limit and g in new
            )
        if affordable([default])[0]:
            return new.given((default,))
        if len(new.known) % 2:
            return reduced(space, operators, default, lambda g: bool(affordable([g])[0]) and g in new)
        return None

    def pool(self, new: NewPhenotypes, operators: Operators) -> list[Candidate]:
        """Random genomes that are affordable; the cheapest if none is, or while nothing has been timed."""
        timed = self.affordability.timed
        drawn = new.pool(operators, 4 * POOL if timed else POOL)
        can = self.affordability([c.genome for c in drawn]) if timed else [False] * len(drawn)
        affordable = [candidate for candidate, may in zip(drawn, can, strict=True) if may]
        return (
            affordable[:POOL] or sorted(drawn, key=lambda c: new.space.cost_without_building(c.genome).flops)[:_FEWEST]
        )
