"""The ladder of rungs: levels of training length, climbed by continuing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evo.algorithms.phenotypes import Phenotype
from evo.core.errors import SettingsError
from evo.core.trial import Proposal


@dataclass(frozen=True)
class Ladder:
    """Epochs at which a trial stops and may be continued, from lowest to full length."""

    rungs: tuple[int, ...]

    @classmethod
    def make(
        cls, epochs: int, eta: float = 3.0, first: int | None = None, rungs: Sequence[int] | None = None
    ) -> Ladder:
        """A ladder that ends at the full length.

        Args:
            epochs: full length.
            eta: factor between neighbouring rungs: ..., epochs/eta², epochs/eta, epochs, rounded.
            first: least epochs of the lowest rung; by default a 27th of the full length, at least 1.
            rungs: the rungs themselves; the last must be ``epochs``.

        Raises:
            SettingsError: rungs that do not climb, or do not end at ``epochs``.
        """
        if rungs is not None:
            given = tuple(rungs)
            if not given or list(given) != sorted(set(given)) or given[0] < 1 or given[-1] != epochs:
                raise SettingsError(
                    f"rungs: expected increasing epochs that end at the full length {epochs}, got {given}"
                )
            return cls(given)
        lowest = max(1, first if first is not None else int(epochs / 27 + 0.5))
        found, length = [epochs], float(epochs)
        while True:
            length /= eta
            rung = int(length + 0.5)
            if rung < lowest or rung < 1 or rung >= found[-1]:
                break
            found.append(rung)
        return cls(tuple(reversed(found)))

    def __len__(self) -> int:
        return len(self.rungs)

    @property
    def top(self) -> int:
        """Index of the highest rung."""
        return len(self.rungs) - 1

    def level(self, epochs: int) -> int:
        """The highest rung that ``epochs`` reach; -1 below the lowest."""
        return sum(1 for rung in self.rungs if rung <= epochs) - 1

    def ratio(self, level: int) -> float:
        """Length of the rung above ``level`` over the length of ``level``."""
        return self.rungs[level + 1] / self.rungs[level]

    def start(self, **proposal: object) -> Proposal:
        """A proposal for the lowest rung."""
        return Proposal(last_epoch=self.rungs[0], rung=0, final=self.top == 0, **proposal)  # type: ignore[arg-type]

    def climb(self, phenotype: Phenotype, last: int | None = None, origin: str = "promotion") -> Proposal:
        """The proposal that continues a phenotype on the rung above (or on rung ``last``).

        The trial that reaches the full length is ``final``: its learning rate decays to the end.
        """
        assert phenotype.best is not None
        level = self.level(phenotype.reached) + 1 if last is None else last
        return Proposal(
            genome=phenotype.genome,
            first_epoch=phenotype.reached,
            last_epoch=self.rungs[level],
            continues=phenotype.best,
            parents=(phenotype.best,),
            origin=origin,
            rung=level,
            final=level == self.top,
        )


def promotable(
    ladder: Ladder,
    trained: Sequence[Phenotype],
    order: Callable[[list[Phenotype], int], list[Phenotype]],
    eta: float | None = None,
    most: float = math.inf,
    strict: bool = False,
) -> Phenotype | None:
    """Whom asynchronous successive halving would promote now, highest rung first (Li et al. 2020).

    A phenotype climbs if it is among the best ``1/eta`` of all that have completed its
    rung, and has not been asked to climb yet.

    Args:
        ladder: the rungs.
        trained: phenotypes with a completed trial.
        order: sorts phenotypes by their outcomes at the given number of epochs, best first.
        eta: one of how many climbs; by default the ratio of the two rungs' lengths.
        most: the largest such number.
        strict: keep the share of those who climbed at ``1/eta`` and let the best of the others
            climb, whatever their rank; for an order that changes with time.

    Returns:
        the one to promote, or None.
    """
    for level in range(ladder.top - 1, -1, -1):
        here = [p for p in trained if p.reached >= ladder.rungs[level]]
        share = len(here) / min(most, eta if eta is not None else ladder.ratio(level))
        count = int(share + 0.5) if strict else int(share)
        climbed = sum(1 for p in here if p.asked > ladder.rungs[level])
        if not count or (strict and climbed >= count):
            continue
        for phenotype in order(here, ladder.rungs[level])[: None if strict else count]:
            climbing = phenotype.asked > ladder.rungs[level]
            if not climbing and not phenotype.failed and ladder.level(phenotype.reached) == level:
                return phenotype
    return None
