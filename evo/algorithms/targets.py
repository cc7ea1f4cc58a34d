"""What the surrogate learns: outcomes of unlike lengths and objectives on one scale."""

from __future__ import annotations

import math

import numpy as np

from evo.algorithms.ladder import Ladder
from evo.algorithms.phenotypes import Phenotype
from evo.algorithms.surrogate import gaussianized
from evo.history import History

#: Variance of a target at the highest rung, and what every rung below it adds.
_NOISE = 1e-3
_NOISE_PER_RUNG = 0.1


def common_scale(
    history: History, found: dict[str, Phenotype], ladder: Ladder, rng: np.random.Generator
) -> tuple[dict[str, float], dict[str, float]]:
    """One target per phenotype, about standard normal, and the variance of its noise.

    At the lowest rung the outcomes become the normal quantiles of their ranks. At
    every rung above, those that climbed keep their set of values but are
    reordered among themselves by their outcomes there. So a value says the same at every
    rung, and being among the chosen is not taken for being average. Phenotypes that
    failed get less than all others.

    Several objectives become one by an augmented Chebyshev scalarisation with
    random weights, drawn anew for every proposal (ParEGO: Knowles 2006).

    Args:
        history: trials.
        found: their phenotypes.
        ladder: the rungs.
        rng: weights of several objectives.

    Returns:
        targets and variances by the phenotypes' keys.
    """
    trained = {key: p for key, p in found.items() if p.best is not None}
    if not trained:
        return {}, {}
    score = _scores(history, trained, rng)
    keys = list(trained)
    value: dict[str, float] = dict(
        zip(keys, gaussianized(np.array([score(trained[k], ladder.rungs[0]) for k in keys])), strict=True)
    )
    for rung in ladder.rungs[1:]:
        climbed = [key for key in keys if trained[key].reached >= rung]
        if len(climbed) > 1:
            ordered = sorted(climbed, key=lambda key: score(trained[key], rung))
            values = sorted(value[key] for key in climbed)
            value.update(zip(ordered, values, strict=True))
    noise = {
        key: _NOISE + _NOISE_PER_RUNG * (ladder.top - max(0, ladder.level(p.reached)))
        for key, p in trained.items()
    }
    lowest = min(value.values()) - 0.5
    for key, phenotype in found.items():
        if phenotype.failed and phenotype.best is None:
            value[key], noise[key] = lowest, _NOISE_PER_RUNG
    return value, noise


def _scores(history: History, trained: dict[str, Phenotype], rng: np.random.Generator):  # type: ignore[no-untyped-def]
    """``score(phenotype, epochs)``: the fitness at the shortest training of at least that many epochs."""

    def number(phenotype: Phenotype, epochs: int) -> int:
        marks = [mark for mark in phenotype.marks if mark >= epochs]
        return phenotype.marks[min(marks) if marks else max(phenotype.marks)]

    if len(history.objectives) == 1:
        return lambda phenotype, epochs: history.fitness(number(phenotype, epochs))[0]
    weights = rng.dirichlet(np.ones(len(history.objectives)))
    trials = sorted({n for p in trained.values() for n in p.marks.values()})
    columns = np.array([history.fitness(n) for n in trials]).T
    scaled = np.array([(gaussianized(column)) for column in columns])
    # Ranks as losses from the best, so that the weighted worst one counts.
    losses = weights[:, None] * (scaled.max(axis=1, keepdims=True) - scaled)
    scalar = dict(zip(trials, -(losses.max(axis=0) + 0.05 * losses.sum(axis=0)), strict=True))
    return lambda phenotype, epochs: scalar[number(phenotype, epochs)] if math.isfinite(epochs) else -math.inf
