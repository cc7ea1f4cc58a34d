"""Predictions of genomes at full length, given the history."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from evo.algorithms.ladder import Ladder
from evo.algorithms.phenotypes import Phenotype
from evo.algorithms.surrogates.observations import Observation, observations
from evo.algorithms.surrogates.surrogate import Surrogate, last_choice
from evo.core.history import History
from genomes.genome import Genome


class Belief:
    """A surrogate fitted to a history, and its predictions at full length.

    Args:
        surrogate: the model.
        features: numbers of a genome, float64 of shape (d,).
        ladder: the rungs.
        rows: most observations to fit to, and most pending trials to reckon with, the newest.
    """

    def __init__(
        self, surrogate: Surrogate, features: Callable[[Genome], np.ndarray], ladder: Ladder, rows: int
    ) -> None:
        self.surrogate, self.features, self.ladder, self.rows = surrogate, features, ladder, rows
        self._told: set[str] | None = None
        self._known_early: tuple[Any, tuple[np.ndarray, np.ndarray] | None] | None = None

    def fit(self, history: History, found: Mapping[str, Phenotype], rng: np.random.Generator) -> bool:
        """Fit to all visible outcomes; pending trials are taken to come out as predicted.

        Args:
            history: the trials.
            found: their phenotypes by key.
            rng: weights of several objectives are drawn from it.

        Returns:
            False if there is nothing to learn from yet.
        """
        seen = observations(history, found.values(), self.ladder, rng)
        if len({observation.target for observation in seen}) < 2:
            return False
        # Hyperparameters are chosen again only when a quarter more is known.
        early = self._early(history, found, last_choice(len(history)))
        if early is not None:
            self.surrogate.choose(*early)
        chosen = self._most_telling(seen)
        self._told = {observation.key for observation in chosen}
        x, y = self._arrays(found, chosen)
        self.surrogate.fit(x, y)
        waiting = [p for p in found.values() if p.pending][-self.rows :]
        if waiting:
            ahead = self._inputs([p.genome for p in waiting], [self._level(p.asked) for p in waiting])
            mean = self.surrogate.means(ahead)
            self.surrogate.fit(np.vstack([x, ahead]), np.concatenate([y, mean]))
        return True

    def _early(
        self, history: History, found: Mapping[str, Phenotype], end: int
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Inputs and targets of the trials below ``end``; None if there is nothing to learn from.

        They are the same from one proposal to the next: made again only where something that they are made of differs.
        """
        failed = [p.key for p in found.values() if p.failed and not p.marks and p.first < end]
        made_of = (history.objectives, history[:end], failed)
        if self._known_early is None or self._known_early[0] != made_of:
            seen = observations(history, found.values(), self.ladder, before=end)
            few = len({observation.target for observation in seen}) < 2
            self._known_early = made_of, None if few else self._arrays(found, seen)
        return self._known_early[1]

    def told(self, trained: Iterable[Phenotype]) -> list[Phenotype]:
        """Those that the surrogate was fitted to: all, until there are more observations than it is fitted to.

        With their predictions a search goes on; to predict all others as well would cost more with every trial.
        """
        told = self._told
        return [phenotype for phenotype in trained if told is None or phenotype.key in told]

    def predict(self, genomes: Sequence[Genome]) -> tuple[np.ndarray, np.ndarray]:
        """Predicted target and its standard deviation at full length, each float64 of shape (genomes,)."""
        return self.surrogate.predict(self._inputs(genomes, [float(self.ladder.top)] * len(genomes)))

    def means(self, genomes: Sequence[Genome]) -> np.ndarray:
        """Predicted targets at full length, float64 of shape (genomes,)."""
        return self.surrogate.means(self._inputs(genomes, [float(self.ladder.top)] * len(genomes)))

    # -- inputs --------------------------------------------------------------------
    def _level(self, epochs: int) -> float:
        return float(np.interp(math.log(epochs), np.log(self.ladder.rungs), np.arange(len(self.ladder))))

    def _inputs(self, genomes: Sequence[Genome], levels: Sequence[float]) -> np.ndarray:
        return np.column_stack([np.array([self.features(genome) for genome in genomes]), np.array(levels)])

    def _arrays(self, found: Mapping[str, Phenotype], seen: Sequence[Observation]) -> tuple[np.ndarray, np.ndarray]:
        inputs = self._inputs([found[o.key].genome for o in seen], [o.level for o in seen])
        return inputs, np.array([o.target for o in seen])

    def _most_telling(self, seen: list[Observation]) -> list[Observation]:
        """All, or the best half, the newest quarter and an even sample of the rest."""
        if len(seen) <= self.rows:
            return seen
        order = np.lexsort(([o.level for o in seen], [o.target for o in seen]))
        kept = set(order[-self.rows // 2 :].tolist())
        kept.update(range(len(seen) - self.rows // 4, len(seen)))
        others = [i for i in range(len(seen)) if i not in kept]
        step = max(1, math.ceil(len(others) / max(1, self.rows - len(kept))))
        kept.update(others[::step])
        return [seen[i] for i in sorted(kept)]
