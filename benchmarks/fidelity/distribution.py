"""How unlike two samples of trainings are, where random numbers cannot be the same.

Replicas drop other entries than one device would. Trainings with the same initial weights and the same order of
rows, by evo and by Keras, are done with many seeds; of each log's last value the paired t test says whether one is
larger, and the test of Kolmogorov and Smirnov whether the distributions differ.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np

from benchmarks.fidelity.difference import Difference, Training

SEEDS = range(11, 31)
#: Smaller probabilities than this are no accident: some hundred comparisons are made.
LEAST_LIKELY = 1e-5


def unlikeness(ours: Sequence[Training], keras: Sequence[Training]) -> Difference:
    """How unlikely the most unlike log would be if both were drawn alike: ``LEAST_LIKELY`` over the probability.

    So a value of 1 or less is within tolerance; infinity where a training failed or a log is missing.

    Args:
        ours: evo's trainings, one per seed.
        keras: Keras' with the same seeds.
    """
    for one in [*keras, *ours]:
        if one.problem:
            return Difference(math.inf, one.problem)
    found = []
    for name in keras[0].curves:
        if any(name not in one.curves for one in ours):
            return Difference(math.inf, f"no {name}; there are {', '.join(sorted(ours[0].curves))}")
        a, b = (np.array([one.curves[name][-1] for one in side]) for side in (ours, keras))
        probability = _probability(a, b)
        place = f"{name}: {a.mean():.4g} ± {a.std():.2g}, Keras {b.mean():.4g} ± {b.std():.2g}, p = {probability:.2g}"
        found.append(Difference(LEAST_LIKELY / probability if probability else math.inf, place))
    return max(found, key=lambda one: one.value)


def _probability(a: np.ndarray, b: np.ndarray) -> float:
    """The smaller of both tests' probabilities; 1 for equal samples."""
    from scipy import stats

    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return 0.0
    if np.allclose(a, b, rtol=1e-6, atol=0):
        return 1.0
    with warnings.catch_warnings():
        # Differences that are all the same but for rounding.
        warnings.simplefilter("ignore", RuntimeWarning)
        paired = float(stats.ttest_rel(a, b).pvalue)
    return min(1.0 if math.isnan(paired) else paired, float(stats.ks_2samp(a, b).pvalue))
