"""When boosting ends: by rows that it does not learn from, by size, by time."""

from __future__ import annotations

import time

import numpy as np

from evo.ensemble.trees.growing import Growing, Rows

#: Rounds without a gain on the rows to stop by, after which boosting ends; rounds where there are no such rows.
PATIENCE, ROUNDS = 100, 200
#: Most rounds where nothing else is said.
_MOST_ROUNDS = 1000
#: Bytes of a stored model, and of one of its leaves with the node above it; see :class:`TreeArrays`.
_MOST_BYTES, _LEAF = 32 * 2**20, 45
#: Fewest rows, and share of the training rows, by which boosting is stopped where no others are given.
_LEAST_ROWS, _SHARE = 20, 0.1


def learned_and_judged(growing: Growing) -> tuple[Rows, Rows | None]:
    """Rows to learn from, and rows to stop by; None where there are too few for it.

    Classes are numbered from 0 without gaps, in the order of :func:`known_classes`; rows to stop by whose class nothing
    is learned about are left out.
    """
    rows, judged = growing.rows, growing.judged
    if judged is None:
        rows, judged = _split(rows, growing.seed)
    if rows.are_classes:
        known = known_classes(rows)
        rows = Rows(rows.matrix, np.searchsorted(known, rows.y), rows.weight)
        if judged is not None:
            kept = np.isin(judged.y, known)
            judged = Rows(judged.matrix[kept], np.searchsorted(known, judged.y[kept]))
    return rows, judged if judged is not None and len(judged.y) >= _LEAST_ROWS else None


def known_classes(rows: Rows) -> np.ndarray:
    """The classes that rows have, sorted."""
    return np.unique(rows.y)


def _split(rows: Rows, seed: int) -> tuple[Rows, Rows | None]:
    """A tenth of the rows to stop by, drawn so that every class keeps one to learn from."""
    order = np.random.default_rng(seed).permutation(len(rows.y))
    free = np.ones(len(order), bool)
    if rows.are_classes:
        free[np.unique(rows.y[order], return_index=True)[1]] = False
    judged = order[free][: int(_SHARE * len(order))]
    if len(judged) < _LEAST_ROWS:
        return rows, None
    train = np.setdiff1d(order, judged)
    weight = None if rows.weight is None else rows.weight[train]
    return Rows(rows.matrix[train], rows.y[train], weight), Rows(rows.matrix[judged], rows.y[judged])


def most_rounds(growing: Growing, judged: Rows | None, leaves: int, outputs: int) -> int:
    """Rounds of boosting at most.

    Args:
        growing: says so, or does not.
        judged: rows to stop by, or None.
        leaves: of one tree, at most.
        outputs: trees of one round.
    """
    wanted = ROUNDS if judged is None else _MOST_ROUNDS
    return max(1, min(growing.iterations or wanted, _MOST_BYTES // (_LEAF * leaves * outputs)))


class Clock:
    """Says when the seconds of :class:`Growing` are over."""

    def __init__(self, growing: Growing) -> None:
        self.end = None if growing.seconds is None else time.monotonic() + growing.seconds

    @property
    def is_over(self) -> bool:
        """Whether no further round is to begin."""
        return self.end is not None and time.monotonic() > self.end
