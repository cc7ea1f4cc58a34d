"""Parents by what they add to an ensemble: the search half of Neural Ensemble Search (NES-RE)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evo.ensemble.arguments import as_predictions, as_target, as_targets
from evo.ensemble.library import LibraryModel
from evo.ensemble.selection.methods import forward_without_replacement
from evo.ensemble.selection.pool_loss import PoolLoss
from evo.ensemble.size_limits import Costs, SizeLimits
from genomes.targets import Target

#: Validation predictions of a trial by its number; None if there are none.
PredictionsOf = Callable[[int], np.ndarray | None]


def ensemble_of(
    numbers: Sequence[int], predictions: PredictionsOf, targets: np.ndarray, target: Target | str, size: int
) -> list[int]:
    """The trials that forward selection takes into an ensemble of ``size``, sorted.

    Args:
        numbers: trials to choose from.
        predictions: validation predictions of a trial, or None if there are none.
        targets: of the validation rows, as the user gave them.
        target: what is predicted, or the name of its task.
        size: members of the ensemble.

    Returns:
        Numbers of trials; fewer than ``size`` where fewer have finite predictions.
    """
    target = as_target(target)
    known: list[tuple[int, np.ndarray]] = []
    for number in numbers:
        found = predictions(number)
        if found is not None and np.all(np.isfinite(found)):
            known.append((number, as_predictions(found, target)))
    if not known:
        return []
    arrays = [array for _, array in known]
    pool = PoolLoss(arrays, as_targets(targets, target, arrays[0].shape[1]), target)
    costs = Costs([LibraryModel(number, array) for number, array in known], SizeLimits())
    weights = forward_without_replacement(pool, costs, min(size, len(known)))
    return [known[index][0] for index in np.flatnonzero(weights)]


def parents_by_ensemble(
    numbers: Sequence[int],
    predictions: PredictionsOf,
    targets: np.ndarray,
    task: Target | str,
    k: int,
    rng: np.random.Generator,
    size: int = 10,
) -> list[int]:
    """``k`` parents, each drawn evenly from the ensemble that forward selection forms of the population.

    NES-RE (Zaidi et al. 2021, algorithm 2), with an ensemble of at most half the population, so that
    something is selected in a small one, too.

    Args:
        numbers: trials of the population.
        predictions: validation predictions of a trial, or None if there are none.
        targets: of the validation rows.
        task: what is predicted, or the name of its task.
        k: parents wanted.
        rng: source of the draws.
        size: members of the ensemble (10 in the paper).

    Returns:
        Numbers of trials, with repetition; of the whole population if no predictions are known.
    """
    members = ensemble_of(numbers, predictions, targets, task, min(size, max(1, len(numbers) // 2)))
    drawn = members or list(numbers)
    return [drawn[int(index)] for index in rng.integers(len(drawn), size=k)]


def selection_by_ensemble(
    select: Callable[[Sequence[Any], int], list[Any]],
    predictions: PredictionsOf,
    targets: np.ndarray,
    task: Target | str,
    share: float = 0.5,
    size: int = 10,
) -> Callable[[Sequence[Any], int], list[Any]]:
    """The toolbox's ``select``, of which a share of the parents is drawn by :func:`parents_by_ensemble`.

    Register it in DEAP's toolbox: ``toolbox.register("select", selection_by_ensemble(toolbox.select, ...))``.
    As DEAP's operators do, it draws from the global ``random``, which the campaign seeds.

    Args:
        select: what draws the other parents, ``select(candidates, k)``.
        predictions: validation predictions of a trial by its number, or None if there are none.
        targets: of the validation rows.
        task: what is predicted, or the name of its task.
        share: probability that a parent is drawn from the ensemble, 0 to 1.
        size: members of the ensemble.
    """
    formed: dict[tuple[int, ...], list[int]] = {}

    def operator(candidates: Sequence[Any], k: int) -> list[Any]:
        by_number = {c.number: c for c in candidates if c.number is not None}
        population = tuple(sorted(by_number))
        if population not in formed:
            formed.clear()  # a search asks for the same population many times, then never again
            count = min(size, max(1, len(population) // 2))
            formed[population] = ensemble_of(population, predictions, targets, task, count) if population else []
        members = formed[population]
        chosen: list[Any] = []
        for _ in range(k):
            if members and random.random() < share:
                chosen.append(by_number[random.choice(members)])
            else:
                chosen += select(candidates, 1)
        return chosen

    return operator
