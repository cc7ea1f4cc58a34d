"""Surrogates by name."""

from __future__ import annotations

from collections.abc import Callable

from evo.algorithms.surrogates.surrogate import Surrogate
from genomes.spaces.base import Space


def _gaussian_process(space: Space) -> Surrogate:
    # scikit-learn takes seconds to import: only a campaign that searches waits for it.
    from evo.algorithms.surrogates.gaussian_process import NOISES, GaussianProcess

    # In a finite space neither more noise nor more weight of the uncertainty helped: docs/decisions/search.md.
    return GaussianProcess(noises=NOISES if space.size() is not None else (*NOISES, 0.5))


#: Surrogates by name; each is made for a space.
SURROGATES: dict[str, Callable[[Space], Surrogate]] = {"gaussian_process": _gaussian_process}
