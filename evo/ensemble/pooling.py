"""How the predictions of several models become one: means, the median, stacking."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evo.ensemble.arguments import as_target
from evo.ensemble.stacking import Stacker
from genomes.targets import Target


def pool(
    predictions: Sequence[np.ndarray],
    weights: np.ndarray,
    pooling: str,
    target: Target | str,
    temperature: float = 1.0,
    stacker: Stacker | None = None,
) -> np.ndarray:
    """Pooled predictions, float32 (rows, outputs); computed in float64.

    Args:
        predictions: one array (rows, outputs) per member.
        weights: (members,), non-negative, summing to 1.
        pooling: ``arithmetic``: the weighted mean. ``geometric``: the normalised
            weighted geometric mean of probabilities (of odds, for outputs that stand alone).
            ``median``: the weighted median (regression), which is the plain
            median for equal weights. ``stacked``: what ``stacker`` makes of them.
        target: what is predicted, or the name of its task.
        temperature: after pooling, probabilities become ``p ** (1 / temperature)``, normalised.
        stacker: the linear model of stacking, which stands in the place of weights and pooling; None for none.
    """
    target = as_target(target)
    if stacker is not None:
        return stacker.predict(predictions, target)
    return target.pool(predictions, weights, pooling, temperature)
