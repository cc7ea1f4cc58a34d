"""Promotion by asynchronous successive halving: which phenotype is continued on the next rung."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from evo.algorithms.ladder import Ladder
from evo.algorithms.phenotypes import Phenotype


def promotable(
    ladder: Ladder,
    trained: Sequence[Phenotype],
    order: Callable[[list[Phenotype], int], list[Phenotype]],
    eta: float | None = None,
    most: float = math.inf,
    strict: bool = False,
) -> Phenotype | None:
    """The phenotype that asynchronous successive halving promotes next, highest rung first (Li et al. 2020).

    A phenotype is promoted if it is among the top ``1/eta`` of all that have completed its
    rung, and no trial of it has been asked to go beyond that rung.

    Args:
        ladder: the rungs.
        trained: phenotypes with a completed trial.
        order: sorts phenotypes by their outcomes at the given number of epochs, best first.
        eta: the top ``1/eta`` of a rung is promoted; by default the ratio of the two rungs' lengths.
        most: upper bound of ``eta``.
        strict: keep the share of the promoted at ``1/eta`` and promote the best of the others,
            whatever its rank; for an order that changes with time.

    Returns:
        None if there is nothing to promote.
    """
    for level in range(ladder.top - 1, -1, -1):
        here = [p for p in trained if p.reached >= ladder.rungs[level]]
        share = len(here) / min(most, eta if eta is not None else ladder.ratio(level))
        count = int(share + 0.5) if strict else int(share)
        promoted = sum(1 for p in here if p.asked > ladder.rungs[level])
        if not count or (strict and promoted >= count):
            continue
        for phenotype in order(here, ladder.rungs[level])[: None if strict else count]:
            asked_beyond = phenotype.asked > ladder.rungs[level]
            if not asked_beyond and not phenotype.failed and ladder.level(phenotype.reached) == level:
                return phenotype
    return None
