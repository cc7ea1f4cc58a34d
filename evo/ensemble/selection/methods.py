"""Ways of giving weights to candidates, all on arrays: no models, no files.

Each takes a :class:`PoolLoss` (losses on the rows to select on) and
:class:`Costs` (limits), and returns weights (candidates,) that sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evo.ensemble.selection.pool_loss import PoolLoss
from evo.ensemble.size_limits import Costs


def best_single(pool: PoolLoss, costs: Costs, losses: np.ndarray | None = None) -> np.ndarray:
    """All weight on the candidate of the least loss that fits the limits.

    Args:
        pool: losses on the rows to select on.
        costs: limits.
        losses: of each candidate, where another loss ranks them; equal ones are told apart by the pool's.
    """
    ranking = _ranking(pool, costs)
    if losses is not None:
        ranking = ranking[np.argsort(losses[ranking], kind="stable")]
    weights = np.zeros(pool.candidates)
    weights[ranking[0]] = 1.0
    return weights


def average_best(pool: PoolLoss, costs: Costs, size: int) -> np.ndarray:
    """The plain average of the ``size`` best candidates, passing over those that break a limit."""
    chosen: list[int] = []
    for index in _ranking(pool, costs):
        if len(chosen) == size:
            break
        if costs.fits(np.array([*chosen, index])):
            chosen.append(int(index))
    weights = np.zeros(pool.candidates)
    weights[chosen] = 1 / len(chosen)
    return weights


def _ranking(pool: PoolLoss, costs: Costs) -> np.ndarray:
    """Candidates that fit alone, from best to worst; of equal ones the earlier first."""
    order = np.argsort(pool.singles(), kind="stable")
    return np.asarray(order[costs.open(np.array([], dtype=int))[order]])


@dataclass(frozen=True)
class Greedy:
    """Greedy forward selection with replacement (Caruana et al. 2004, "Ensemble Selection from Libraries of Models").

    Each step adds the candidate with which the pool's loss is least; one that is there
    already gains weight. The ensemble is truncated at its best step.

    Attributes:
        steps: most members, counted with repetition.
        seeded: begin with as many of the best candidates as lower the loss, at most this many
            (Caruana's sorted initialisation); 1 begins with the best.
        bags: 0 for one selection; else the mean of this many selections, each from a random share of
            the candidates (Caruana's bagging), or of the rows.
        share: share of the candidates in each bag.
        rows: bootstrap the rows of each bag, too.
        tie: a step takes a member chosen before when no other is better by more than this share of
            the loss; keeps ensembles small.
    """

    steps: int = 50
    seeded: int = 1
    bags: int = 0
    share: float = 0.5
    rows: bool = False
    tie: float = 1e-6

    def __call__(self, pool: PoolLoss, costs: Costs, rng: np.random.Generator) -> np.ndarray:
        """Weights (candidates,)."""
        if self.bags == 0:
            return self.once(pool, costs)
        total = np.zeros(pool.candidates)
        fits = _ranking(pool, costs)
        for _ in range(self.bags):
            size = max(1, int(np.ceil(self.share * len(fits))))
            inside = np.sort(rng.choice(fits, size=size, replace=False))
            part = pool.restricted(inside)
            if self.rows:
                n = len(pool.row_share)
                part = part.subset(rng.integers(0, n, size=n))
            total[inside] += self.once(part, costs.restricted(inside))
        return within_limits(total / total.sum(), costs)

    def once(self, pool: PoolLoss, costs: Costs) -> np.ndarray:
        """One selection from all candidates on all rows."""
        ranking = _ranking(pool, costs)
        chosen: list[int] = []
        losses: list[float] = []
        running = np.zeros(pool.terms.shape[1:], dtype=np.float32)
        for index in ranking[: self.seeded]:
            if not costs.fits(np.array([*chosen, index])):
                break
            loss = float(pool.with_each(running, len(chosen), np.array([index]))[0])
            chosen.append(int(index))
            losses.append(loss)
            running += pool.terms[index]
        best = int(np.argmin(losses)) + 1
        chosen, losses = chosen[:best], losses[:best]
        running = pool.terms[np.array(chosen)].sum(axis=0)
        while len(chosen) < self.steps:
            members = np.unique(chosen)
            allowed = np.flatnonzero(costs.open(members))
            each = pool.with_each(running, len(chosen), allowed)
            known = np.isin(allowed, members)
            pick = int(each.argmin())
            again = np.flatnonzero(known)[each[known].argmin()]
            if each[again] <= each[pick] + self.tie * abs(each[pick]):
                pick = int(again)
            chosen.append(int(allowed[pick]))
            losses.append(float(each[pick]))
            running += pool.terms[allowed[pick]]
        losses_array = np.asarray(losses)
        stop = int(np.flatnonzero(losses_array <= losses_array.min() * (1 + self.tie))[0]) + 1
        return np.asarray(np.bincount(chosen[:stop], minlength=pool.candidates) / stop)


def forward_without_replacement(pool: PoolLoss, costs: Costs, size: int) -> np.ndarray:
    """``size`` members of equal weight, each the one that lowers the pool's loss most.

    The ensemble selection of Neural Ensemble Search (Zaidi et al. 2021, "Neural Ensemble Search for
    Uncertainty Estimation and Dataset Shift", ForwardSelect): no replacement, and no stop before ``size``.
    """
    chosen: list[int] = []
    running = np.zeros(pool.terms.shape[1:], dtype=np.float32)
    while len(chosen) < size:
        taken = np.array(chosen, dtype=int)
        mask = costs.open(taken)
        mask[taken] = False
        allowed = np.flatnonzero(mask)
        if not len(allowed):
            break
        pick = int(allowed[pool.with_each(running, len(chosen), allowed).argmin()])
        chosen.append(pick)
        running += pool.terms[pick]
    weights = np.zeros(pool.candidates)
    weights[chosen] = 1 / len(chosen)
    return weights


@dataclass(frozen=True)
class LearnedWeights:
    """Weights learned on the selection rows: a softmax over candidates, by L-BFGS on the pool's loss.

    Attributes:
        size: most members; the rest are dropped by weight and the weights learned anew.
        among: learn over this many of the best candidates.
        prior: strength of the pull towards equal weights, in rows (a Dirichlet prior).
    """

    size: int = 8
    among: int = 50
    prior: float = 100.0

    def __call__(self, pool: PoolLoss, costs: Costs) -> np.ndarray:
        """Weights (candidates,)."""
        chosen = _ranking(pool, costs)[: self.among]
        if not pool.smooth:
            raise ValueError("learned weights need a smooth loss")
        for _ in range(20):
            weights = self._fit(pool.restricted(chosen))
            full = np.zeros(pool.candidates)
            full[chosen] = weights
            kept = np.flatnonzero(within_limits(full, costs))
            # halve towards the limit: the weights of the dropped pass to those most like them
            target = max(self.size, len(chosen) // 2)
            keep = kept[np.argsort(-full[kept], kind="stable")][:target]
            if len(keep) == len(chosen):
                break
            chosen = keep
        full = np.zeros(pool.candidates)
        full[chosen] = self._fit(pool.restricted(chosen))
        full[full < 1e-3] = 0
        return within_limits(full / full.sum(), costs)

    def _fit(self, pool: PoolLoss) -> np.ndarray:
        from scipy.optimize import minimize

        count = pool.candidates
        if count == 1:
            return np.ones(1)
        start = np.full(count, 1 / count)
        # log losses have a natural unit, in which the prior counts; the others are measured by their start
        scale = 1.0 if pool.function.natural else 1 / max(pool.of_weights(start), 1e-12)
        strength = self.prior / (len(pool.row_share) * count)

        def objective(scores: np.ndarray) -> tuple[float, np.ndarray]:
            weights = np.exp(scores - scores.max())
            weights /= weights.sum()
            value, slope = pool.value_and_gradient(weights)
            pull = -strength * float(np.log(np.maximum(weights, 1e-300)).sum())
            # d(-sum_i log w_i) / d score_j = count * w_j - 1
            gradient = scale * weights * (slope - weights @ slope) + strength * (count * weights - 1)
            return scale * value + pull, gradient

        found = minimize(objective, np.zeros(count), jac=True, method="L-BFGS-B", options={"maxiter": 200})
        weights = np.exp(found.x - found.x.max())
        return np.asarray(weights / weights.sum())


def within_limits(weights: np.ndarray, costs: Costs) -> np.ndarray:
    """The heaviest members that fit the limits, their weights scaled to sum to 1."""
    chosen: list[int] = []
    for index in np.argsort(-weights, kind="stable"):
        if weights[index] <= 0:
            break
        if costs.fits(np.array([*chosen, index])):
            chosen.append(int(index))
    kept = np.zeros_like(weights)
    kept[chosen] = weights[chosen]
    return np.asarray(kept / kept.sum())
