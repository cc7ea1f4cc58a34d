"""How much each field of a space mattered to the scores that a campaign has seen.

Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019) on the search's own kind of surrogate: a
Gaussian process learns four fifths of the models, and one field's values are shuffled among the fifth that it has not
seen. What the prediction loses by that is what the field told. Of two fields that say the same, each looks less
important than both are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evo.algorithms.surrogates.features import Features
from evo.algorithms.surrogates.observations import gaussianized
from evo.core.history import History
from genomes.spaces.base import Space

#: Models from which on anything can be said, and most that are looked at: the newest.
_FEWEST, _MOST = 20, 400
_FOLDS, _SHUFFLES = 5, 5
#: Share of the variance that must be foreseen, below which nothing is said.
_FORESEEN = 0.1


@dataclass(frozen=True)
class Importance:
    """What the fields told.

    Attributes:
        models: how many models were looked at.
        foreseen: share of the variance of unseen models' ranks that the surrogate foresees (R²), at most 1.
        fields: per field or gene its name and how much of that share is lost when it is shuffled, the most first.
    """

    models: int
    foreseen: float
    fields: tuple[tuple[str, float], ...]


def field_importance(history: History, space: Space, seed: int = 0) -> Importance | None:
    """How much each field mattered to the first objective, over all lengths of training.

    Args:
        history: the trials.
        space: of the campaign.
        seed: of folds and shuffles; the same gives the same numbers.

    Returns:
        None where too little is known to foresee anything.
    """
    inputs, targets = _observed(history, space)
    if len(targets) < _FEWEST:
        return None
    rng = np.random.default_rng([seed, len(targets)])
    columns = _columns([*space.feature_names, "epochs of training"])
    fold = rng.permutation(len(targets)) % _FOLDS
    # Not above: scikit-learn takes .7 seconds, and whoever imports evo may never draw a report.
    from evo.algorithms.surrogates.gaussian_process import GaussianProcess

    model = GaussianProcess()
    error, lost = 0.0, dict.fromkeys(columns, 0.0)
    for number in range(_FOLDS):
        known, unseen = fold != number, fold == number
        # The mean of a Gaussian process is 0 where it knows nothing.
        mean = float(targets[known].mean())
        model.choose(inputs[known], targets[known] - mean)
        model.fit(inputs[known], targets[known] - mean)
        missed = targets[unseen] - mean
        here = float(((model.means(inputs[unseen]) - missed) ** 2).sum())
        error += here
        for name, places in columns.items():
            if not np.ptp(inputs[unseen][:, places], axis=0).any():
                continue
            for _ in range(_SHUFFLES):
                shuffled = inputs[unseen]
                shuffled[:, places] = shuffled[rng.permutation(len(shuffled))][:, places]
                lost[name] += (float(((model.means(shuffled) - missed) ** 2).sum()) - here) / _SHUFFLES
    spread = float(((targets - targets.mean()) ** 2).sum())
    foreseen = 1 - error / spread if spread > 0 else 0.0
    if foreseen < _FORESEEN:
        return None
    shares = ((name, value / spread) for name, value in lost.items())
    found = sorted(((name, value) for name, value in shares if value > 0), key=lambda item: (-item[1], item[0]))
    return Importance(len(targets), foreseen, tuple(found))


def _observed(history: History, space: Space) -> tuple[np.ndarray, np.ndarray]:
    """Features with the length of training in the last column, and ranks of the first objective as normal quantiles."""
    features = Features(space)
    rows: list[list[float]] = []
    values: list[float] = []
    seen: set[tuple[str, int]] = set()
    for trial in reversed(history.completed()):
        value = history.fitness(trial.number)[0]
        if np.isfinite(value) and (trial.genome.key, trial.epochs) not in seen and len(rows) < _MOST:
            seen.add((trial.genome.key, trial.epochs))
            rows.append([*features(trial.genome), np.log(max(1, trial.epochs))])
            values.append(value)
    return np.array(rows), gaussianized(np.array(values))


def _columns(names: Sequence[str]) -> dict[str, list[int]]:
    """Columns by what they are shuffled as: those of an unordered choice together."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(name.split("=")[0], []).append(place)
    return found
