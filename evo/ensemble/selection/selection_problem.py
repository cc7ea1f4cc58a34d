"""One selection as a problem: any method on any rows, cross-fitted, and what that says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evo.ensemble.arguments import as_target
from evo.ensemble.calibration import calibrated, fit_temperature
from evo.ensemble.library import LibraryModel
from evo.ensemble.metrics import mean_and_error, row_losses
from evo.ensemble.pooling import pool
from evo.ensemble.selection.estimation import Estimate, PairedGain, folds, paired_gain
from evo.ensemble.selection.methods import (
    Greedy,
    LearnedWeights,
    average_best,
    best_single,
    forward_without_replacement,
)
from evo.ensemble.selection.pool_loss import PoolLoss
from evo.ensemble.size_limits import Costs, SizeLimits
from evo.ensemble.stacking import Stacker, fit_stacker
from genomes.targets import Target

#: A method, and the most members that it may take.
Way = tuple[str, int]


@dataclass(eq=False)
class Chosen:
    """Members (indices), their weights, and how they are pooled."""

    members: np.ndarray
    weights: np.ndarray
    temperature: float = 1.0
    stacker: Stacker | None = None


class SelectionProblem:
    """What an ensemble is chosen from and judged by; any method can be fitted on any rows.

    Args:
        candidates: models that fit together.
        targets: as :func:`evo.ensemble.arguments.as_targets` returns them.
        target: what is predicted, or the name of its task.
        loss: what is minimised.
        single_loss: what the best single model is best in.
        pooling: one of the target's ways of pooling.
        temperature: fit a temperature after pooling; ignored where predictions are no probabilities.
        limits: how large the ensemble may be.
        row_weight: weight of each row, or None.
    """

    def __init__(
        self,
        candidates: list[LibraryModel],
        targets: np.ndarray,
        target: Target | str,
        loss: str,
        single_loss: str,
        pooling: str,
        temperature: bool,
        limits: SizeLimits,
        row_weight: np.ndarray | None,
    ) -> None:
        target = as_target(target)
        self.candidates, self.targets, self.target, self.loss = candidates, targets, target, loss
        self.pooling, self.limits = pooling, limits
        self.temperature = temperature and target.gives_probabilities
        self.weight = None if row_weight is None else np.asarray(row_weight, dtype=np.float64)
        self.costs = Costs(candidates, limits)
        predictions = [c.predictions for c in candidates]
        weighed, plain = predictions, target.calibrated_losses.get(loss)
        if plain is not None:
            # One number each, fitted on all rows: too little to flatter the nested estimates.
            weighed = [calibrated(one, targets, target) for one in predictions]
        self.pool = PoolLoss(weighed, targets, target, pooling, plain or loss, self.weight)
        self.single_losses: np.ndarray | None = None
        if single_loss != loss:
            losses = [row_losses(single_loss, target, one, targets) for one in predictions]
            self.single_losses = np.array(losses, dtype=np.float32)
        # the error rate has plateaus and no gradient: what needs one follows the default loss
        self.smooth = self.pool
        if not self.pool.smooth:
            self.smooth = PoolLoss(predictions, targets, target, pooling, target.losses[0], self.weight)

    def fit(self, way: Way, rows: np.ndarray, rng: np.random.Generator) -> Chosen:
        """Choose members and weights on these rows.

        Args:
            way: the method, and the most members.
            rows: indices of the rows to look at.
            rng: randomness of bags.
        """
        method, size = way
        everything = len(rows) == len(self.targets)
        score = self.pool if everything else self.pool.subset(rows)
        chooser: dict[str, Callable[[], np.ndarray]] = {
            "best": lambda: best_single(score, self.costs, self._singles(rows)),
            "average": lambda: average_best(score, self.costs, size),
            "weighted": lambda: LearnedWeights(size)(
                self.smooth if everything else self.smooth.subset(rows), self.costs
            ),
            "greedy": lambda: Greedy()(score, self.costs, rng),
            "bagged": lambda: Greedy(bags=20, steps=25)(score, self.costs, rng),
            "nes": lambda: forward_without_replacement(score, self.costs, size),
            "stacking": lambda: Greedy()(score, self.costs, rng),
        }
        weights = chooser[method]()
        members = np.flatnonzero(weights)
        members = members[np.argsort(-weights[members], kind="stable")]
        chosen = Chosen(members, weights[members])
        parts = [self.candidates[i].predictions[rows] for i in members]
        if method == "stacking" and len(members) > 1:
            weight = None if self.weight is None else self.weight[rows]
            chosen.stacker = fit_stacker(parts, self.targets[rows], self.target, row_weight=weight)
            chosen.weights = chosen.stacker.member_weights(len(members))
        elif self.temperature:
            pooled = pool(parts, chosen.weights, self.pooling, self.target)
            chosen.temperature = fit_temperature(pooled, self.targets[rows], self.target)
        return chosen

    def _singles(self, rows: np.ndarray) -> np.ndarray | None:
        """Mean loss of each candidate on these rows, where single models have a loss of their own."""
        if self.single_losses is None:
            return None
        weight = None if self.weight is None or not self.weight[rows].any() else self.weight[rows]
        return np.asarray(np.average(self.single_losses[:, rows], axis=1, weights=weight))

    def predict(self, chosen: Chosen, rows: np.ndarray) -> np.ndarray:
        """Pooled predictions of these rows."""
        parts = [self.candidates[i].predictions[rows] for i in chosen.members]
        return pool(parts, chosen.weights, self.pooling, self.target, chosen.temperature, chosen.stacker)

    def cross_fit(self, ways: Sequence[Way], fold_count: int, rng: np.random.Generator) -> dict[Way, np.ndarray]:
        """Predictions of each way in which every row is predicted by what was chosen without it (cross-fitting).

        Args:
            ways: what is compared.
            fold_count: folds of the rows.
            rng: randomness of folds and bags.

        Returns:
            Per way float32 (rows, outputs); empty with fewer than two rows per fold.
        """
        rows = len(self.targets)
        if rows < 2 * fold_count:
            return {}
        fold = folds(rows, fold_count, self.target.strata(self.targets), rng)
        outputs = self.candidates[0].predictions.shape[1]
        predicted = {way: np.empty((rows, outputs), dtype=np.float32) for way in ways}
        for number in range(fold_count):
            train, held_out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            for way in predicted:
                predicted[way][held_out] = self.predict(self.fit(way, train, rng), held_out)
        return predicted

    def estimates(self, predicted: Mapping[Way, np.ndarray]) -> dict[Way, dict[str, Estimate]]:
        """What cross-fitted predictions say of each way, by metric."""
        return {
            way: {
                metric: Estimate(
                    *mean_and_error(
                        metric, self.target, row_losses(metric, self.target, outputs, self.targets), self.weight
                    )
                )
                for metric in dict.fromkeys((self.loss, *self.target.reported))
            }
            for way, outputs in predicted.items()
        }

    def gain(
        self, single: np.ndarray, ensemble: np.ndarray, rng: np.random.Generator, loss: str | None = None
    ) -> PairedGain:
        """How much less cross-fitted predictions lose than others, on the same rows.

        Args:
            single: the others.
            ensemble: the ones.
            rng: randomness of the bootstrap.
            loss: in what; None for the loss that is minimised.
        """
        losses = [row_losses(loss or self.loss, self.target, outputs, self.targets) for outputs in (single, ensemble)]
        return paired_gain(losses[0], losses[1], rng, self.weight)
