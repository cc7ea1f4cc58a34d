"""The loss of a weighted pool of many models as a function of its weights, fast.

Every loss here is a function of a weighted sum of one array per candidate
(:class:`genomes.targets.pooled_loss.PooledLoss`), so that trying a candidate is one addition to a running sum.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble.arguments import as_target, check_loss
from genomes.targets import Target

#: Elements that one step may hold at a time (float32): 32 MB.
_CHUNK = 8_000_000


class PoolLoss:
    """Mean loss of pools of candidates over rows.

    Args:
        predictions: per candidate, float32 (rows, outputs).
        targets: as :func:`evo.ensemble.arguments.as_targets` returns them.
        target: what is predicted, or the name of its task.
        pooling: ``arithmetic`` or ``geometric``; ``median`` is selected by the arithmetic mean.
        loss: one of the target's losses that is taken of predictions as they are; None for the default.
        row_weight: weight of each row, or None.

    Attributes:
        terms: float32 (candidates, rows, width), what is summed.
        function: from sums to losses.

    Raises:
        EnsembleError: the target knows no such loss, or takes it of calibrated predictions.
    """

    def __init__(
        self,
        predictions: Sequence[np.ndarray],
        targets: np.ndarray,
        target: Target | str,
        pooling: str = "arithmetic",
        loss: str | None = None,
        row_weight: np.ndarray | None = None,
    ) -> None:
        target = as_target(target)
        loss = check_loss(target, loss)
        plain = target.calibrated_losses.get(loss)
        if plain is not None:
            raise EnsembleError(f"loss: {loss} is the {plain} of calibrated predictions; give those")
        self.function = target.pooled_loss(loss, pooling)
        rows, outputs = predictions[0].shape
        self.terms = np.empty((len(predictions), rows, self.function.width(outputs)), dtype=np.float32)
        self.targets = targets
        for term, one in zip(self.terms, predictions, strict=True):
            term[...] = self.function.terms(one, targets)
        share = np.full(rows, 1 / rows) if row_weight is None else row_weight / np.sum(row_weight)
        self.row_share = share.astype(np.float32)

    @property
    def candidates(self) -> int:
        """Number of candidates."""
        return len(self.terms)

    @property
    def smooth(self) -> bool:
        """Whether the loss has a useful gradient."""
        return self.function.smooth

    def subset(self, rows: np.ndarray) -> PoolLoss:
        """The same candidates on some of the rows (indices; may repeat); rows that all weigh nothing count alike."""
        part = object.__new__(PoolLoss)
        part.function = self.function
        part.terms = self.terms[:, rows]
        part.targets = self.targets[rows]
        share = self.row_share[rows]
        part.row_share = share / share.sum() if share.any() else np.full(len(share), 1 / len(share))
        return part

    def restricted(self, candidates: np.ndarray) -> PoolLoss:
        """Only some of the candidates, on the same rows."""
        part = object.__new__(PoolLoss)
        part.function, part.targets, part.row_share = self.function, self.targets, self.row_share
        part.terms = self.terms[candidates]
        return part

    # -- values --------------------------------------------------------------------
    def of_sums(self, sums: np.ndarray) -> np.ndarray:
        """Mean loss of pooled sums (..., rows, width), each of weights summing to 1; overwrites ``sums``."""
        return np.asarray(self.function.rows(sums, self.targets) @ self.row_share)

    def singles(self) -> np.ndarray:
        """Loss of every candidate alone, (candidates,)."""
        return self.with_each(np.zeros(self.terms.shape[1:], np.float32), 0, np.arange(self.candidates))

    def with_each(self, running: np.ndarray, count: int, candidates: np.ndarray) -> np.ndarray:
        """Loss of the mean of ``count`` members (their running sum given) and one more, for each candidate."""
        losses = np.empty(len(candidates), dtype=np.float64)
        chunk = max(1, _CHUNK // max(1, running.size))
        scale = np.float32(1 / (count + 1))
        for start in range(0, len(candidates), chunk):
            part = candidates[start : start + chunk]
            sums = self.terms[part]
            sums += running
            sums *= scale
            losses[start : start + chunk] = self.of_sums(sums)
        return losses

    def of_weights(self, weights: np.ndarray) -> float:
        """Loss of one weighted pool; weights (candidates,) summing to 1."""
        return float(self.of_sums(self._mix(weights)[None])[0])

    def _mix(self, weights: np.ndarray) -> np.ndarray:
        used = np.flatnonzero(weights)
        return np.asarray(np.tensordot(weights[used].astype(np.float32), self.terms[used], axes=1))

    def value_and_gradient(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss at the weights and its gradient with respect to them (smooth losses only)."""
        sums = np.tensordot(weights.astype(np.float32), self.terms, axes=1)
        slope = self.function.slope(sums, self.targets)
        slope *= self.row_share[:, None]
        if self.function.averaged:
            slope /= sums.shape[-1]
        gradient = self.terms.reshape(self.candidates, -1) @ slope.reshape(-1)
        return float(self.of_sums(sums[None])[0]), gradient.astype(np.float64)
