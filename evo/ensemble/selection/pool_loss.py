"""The loss of a weighted pool of many models as a function of its weights, fast.

Every loss here is a function of a weighted sum of one array per candidate, so
that trying a candidate is one addition to a running sum. The arithmetic mean
with log loss needs only the probability given to the true class: one number
per row and candidate, however many classes there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evo.ensemble.calibration import FLOOR, logits

#: Elements that one step may hold at a time (float32): 32 MB.
_CHUNK = 8_000_000


class PoolLoss:
    """Mean loss of pools of candidates over rows.

    Args:
        predictions: per candidate, float32 (rows, outputs).
        targets: as :func:`evo.ensemble.metrics.as_targets` returns them.
        task: the kind of task.
        pooling: ``arithmetic`` or ``geometric``; ``median`` is selected by the arithmetic mean.
        loss: one of :data:`evo.ensemble.metrics.LOSSES` of the task.
        row_weight: weight of each row, or None.

    Attributes:
        terms: float32 (candidates, rows, width), what is summed.
        kind: the function of the sum: ``log``, ``logistic``, ``softmax``, ``squared``,
            ``absolute``, ``wrong_sign`` or ``wrong_class``.
    """

    def __init__(
        self,
        predictions: Sequence[np.ndarray],
        targets: np.ndarray,
        task: str,
        pooling: str = "arithmetic",
        loss: str = "log_loss",
        row_weight: np.ndarray | None = None,
    ) -> None:
        rows, outputs = predictions[0].shape
        geometric = pooling == "geometric"
        classes = task == "multiclass"
        self.kind = {
            "log_loss": ("softmax" if classes else "logistic") if geometric else "log",
            "error": "wrong_class" if classes else "wrong_sign",
            "brier": "squared",
            "rmse": "squared",
            "mae": "absolute",
        }[loss]
        if loss == "brier" and geometric:
            # the Brier score of a geometric mean is no function of a sum of this kind: select by log loss
            self.kind = "softmax" if classes else "logistic"
        width = 1 if classes and self.kind == "log" else outputs
        self.terms = np.empty((len(predictions), rows, width), dtype=np.float32)
        self.targets = targets
        at = np.arange(rows)
        sign = np.where(targets > 0.5, 1.0, -1.0).astype(np.float32)
        for term, one in zip(self.terms, predictions, strict=True):
            if self.kind == "log":
                seen = one[at, targets][:, None] if classes else np.where(targets > 0.5, one, 1 - one)
                np.clip(seen, FLOOR, None, out=term)
            elif classes and geometric:
                np.log(np.clip(one, FLOOR, None), out=term)
            elif geometric:
                term[...] = logits(one) * sign
            elif self.kind == "wrong_sign":
                term[...] = (one - 0.5) * sign
            elif self.kind in ("squared", "absolute"):
                term[...] = one
                if classes:
                    term[at, targets] -= 1
                else:
                    term -= targets
            else:
                term[...] = one
        share = np.full(rows, 1 / rows) if row_weight is None else row_weight / np.sum(row_weight)
        self.row_share = share.astype(np.float32)

    @property
    def candidates(self) -> int:
        """Number of candidates."""
        return len(self.terms)

    @property
    def smooth(self) -> bool:
        """Whether the loss has a useful gradient."""
        return self.kind not in ("wrong_sign", "wrong_class")

    def subset(self, rows: np.ndarray) -> PoolLoss:
        """The same candidates on some of the rows (indices; may repeat)."""
        part = object.__new__(PoolLoss)
        part.kind = self.kind
        part.terms = self.terms[:, rows]
        part.targets = self.targets[rows]
        share = self.row_share[rows]
        part.row_share = share / share.sum()
        return part

    def restricted(self, candidates: np.ndarray) -> PoolLoss:
        """Only some of the candidates, on the same rows."""
        part = object.__new__(PoolLoss)
        part.kind, part.targets, part.row_share = self.kind, self.targets, self.row_share
        part.terms = self.terms[candidates]
        return part

    # -- values --------------------------------------------------------------------
    def of_sums(self, sums: np.ndarray) -> np.ndarray:
        """Mean loss of pooled sums (..., rows, width), each of weights summing to 1; overwrites ``sums``."""
        if self.kind == "log":
            np.log(sums, out=sums)
            np.negative(sums, out=sums)
        elif self.kind == "logistic":
            np.negative(sums, out=sums)
            # log(1 + e^s) = max(s, 0) + log(1 + e^-|s|)
            tail = np.abs(sums)
            np.negative(tail, out=tail)
            np.exp(tail, out=tail)
            np.log1p(tail, out=tail)
            np.maximum(sums, 0, out=sums)
            sums += tail
        elif self.kind == "softmax":
            sums -= sums.max(axis=-1, keepdims=True)
            seen = sums[..., np.arange(sums.shape[-2]), self.targets].copy()
            np.exp(sums, out=sums)
            total = sums.sum(axis=-1)
            np.log(total, out=total)
            return np.asarray((total - seen) @ self.row_share)
        elif self.kind == "squared":
            np.square(sums, out=sums)
        elif self.kind == "absolute":
            np.abs(sums, out=sums)
        elif self.kind == "wrong_sign":
            np.less_equal(sums, 0, out=sums)
        else:
            wrong = (sums.argmax(axis=-1) != self.targets).astype(np.float32)
            return np.asarray(wrong @ self.row_share)
        rows = sums[..., 0] if sums.shape[-1] == 1 else sums.mean(axis=-1)
        return np.asarray(rows @ self.row_share)

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
        slope: np.ndarray
        if self.kind == "log":
            slope = -1 / np.maximum(sums, FLOOR)
        elif self.kind == "logistic":
            slope = -0.5 * (1 - np.tanh(0.5 * sums))
        elif self.kind == "softmax":
            slope = np.exp(sums - sums.max(axis=-1, keepdims=True))
            slope /= slope.sum(axis=-1, keepdims=True)
            slope[np.arange(len(slope)), self.targets] -= 1
        elif self.kind == "squared":
            slope = 2 * sums
        elif self.kind == "absolute":
            slope = np.sign(sums)
        else:
            raise ValueError(f"{self.kind} has no gradient")
        slope *= self.row_share[:, None]
        if self.kind != "softmax":
            slope /= sums.shape[-1]
        gradient = self.terms.reshape(self.candidates, -1) @ slope.reshape(-1)
        return float(self.of_sums(sums[None])[0]), gradient.astype(np.float64)
