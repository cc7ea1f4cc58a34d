from __future__ import annotations

import numpy as np

from evo.algorithms.surrogates import Surrogate
from evo.algorithms.surrogates.gaussian_process import GaussianProcess


def test_it_learns_and_knows_what_it_does_not_know() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.random((40, 3)), np.zeros(40)])
    y = np.sin(4 * x[:, 0]) - x[:, 1]
    surrogate: Surrogate = GaussianProcess()
    surrogate.choose(x[:30], y[:30])
    surrogate.fit(x[:30], y[:30])
    mean, _ = surrogate.predict(x[30:])
    assert np.corrcoef(mean, y[30:])[0, 1] > 0.9
    near, far = surrogate.predict(np.array([x[0], [9.0, 9.0, 9.0, 0.0]]))[1]
    assert near < 0.3 < far
    assert np.allclose(surrogate.means(x[30:]), mean)
