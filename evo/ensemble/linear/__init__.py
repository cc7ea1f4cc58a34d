"""Linear models beside the nets: on n-grams of texts and on random convolutions of series, stored as arrays."""

from __future__ import annotations

from evo.ensemble.linear.fitting import Recipe, fit_linear, linear_candidates
from evo.ensemble.linear.linear_model import LinearModel

__all__ = ["LinearModel", "Recipe", "fit_linear", "linear_candidates"]
