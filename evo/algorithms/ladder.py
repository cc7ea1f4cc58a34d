"""The ladder of rungs: lengths of training at which a trial stops and from which it may be continued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evo.algorithms.phenotypes import Phenotype
from evo.algorithms.toolbox import Candidate
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
            SettingsError: rungs that do not increase, or do not end at ``epochs``.
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

    def start(self, candidate: Candidate, level: int = 0, inherits: int | None = None) -> Proposal:
        """The proposal that begins to train a candidate, up to a rung.

        Args:
            candidate: what to train.
            level: the rung at which the trial stops.
            inherits: number of the trial whose weights are taken over; None for fresh ones.
        """
        return Proposal(
            genome=candidate.genome,
            last_epoch=self.rungs[level],
            parents=candidate.parents,
            inherits=inherits,
            origin=candidate.origin,
            rung=level,
            final=level == self.top,
        )

    def promote(self, phenotype: Phenotype) -> Proposal:
        """The proposal that continues a phenotype's longest trial up to the next rung.

        The trial that reaches the full length is ``final``: its learning rate decays to the end.
        """
        assert phenotype.best is not None
        level = self.level(phenotype.reached) + 1
        return Proposal(
            genome=phenotype.genome,
            first_epoch=phenotype.reached,
            last_epoch=self.rungs[level],
            continues=phenotype.best,
            parents=(phenotype.best,),
            origin="promotion",
            rung=level,
            final=level == self.top,
        )
