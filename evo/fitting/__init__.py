"""From a user's data to a fitted model in one call: ``evo.fit``."""

from evo.fitting.effort import EFFORTS, Effort
from evo.fitting.fit import fit
from evo.fitting.fitted import Fitted, load_fitted

__all__ = ["EFFORTS", "Effort", "Fitted", "fit", "load_fitted"]
