"""Counts what a method spends on a table and remembers what it would have recommended."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field

import numpy as np

from benchmarks.tables import Table
from benchmarks.tables.table import Values


class BudgetSpent(Exception):
    """The next training would go beyond the budget: a method simply lets it pass."""


@dataclass
class Evaluator:
    """Trains on a table, for every method by the same rules.

    A training to ``epochs`` costs the epochs that the same values have not been trained
    for yet; trained again to a length already reached, they cost it again.
    What is recommended is the trial with the best score observed at full length; before the
    first of those, the best at the longest length so far.

    Attributes:
        table: what is trained on.
        budget: in full trainings.
        seed: of the noise.
        rows: one per training: cumulative cost (in full trainings), epochs, score
            observed, the recommended point's true score at full length, seconds of proposing.
    """

    table: Table
    budget: float
    seed: int
    rows: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(99,)))
        self._trained: dict[str, int] = {}
        self._spent = 0
        self._incumbent = (-1, -math.inf, math.nan)
        self._asked = time.perf_counter()

    @property
    def spent(self) -> float:
        """Cost so far, in full trainings."""
        return self._spent / self.table.epochs

    @property
    def lengths(self) -> tuple[int, ...]:
        """Epochs at which a score can be observed, the full length last."""
        return self.table.rungs if self.table.rungs is not None else tuple(range(1, self.table.epochs + 1))

    def train(self, values: Values, epochs: int) -> float:
        """The score observed after ``epochs``.

        Raises:
            BudgetSpent: it would cost more than is left.
        """
        seconds = time.perf_counter() - self._asked
        key = json.dumps(dict(values), sort_keys=True)
        before = self._trained.get(key, 0)
        cost = epochs - before if before < epochs else epochs
        if self._spent + cost > self.budget * self.table.epochs + 1e-9:
            raise BudgetSpent
        self._spent += cost
        self._trained[key] = max(before, epochs)
        score = self.table.observe(values, epochs, self._rng)
        if math.isfinite(score) and (epochs, score) > self._incumbent[:2]:
            self._incumbent = (epochs, score, self.table.truth(values))
        self.rows.append(
            {
                "trial": len(self.rows),
                "cost": self.spent,
                "epochs": epochs,
                "score": score,
                "recommended": self._incumbent[2],
                "seconds": seconds,
            }
        )
        self._asked = time.perf_counter()
        return score
