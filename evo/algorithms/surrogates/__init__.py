"""Models that predict how good an untrained genome will be, and what they learn from.

The Gaussian process is imported where a search begins: scikit-learn takes seconds.
"""

from evo.algorithms.surrogates.surrogate import Surrogate

__all__ = ["Surrogate"]
