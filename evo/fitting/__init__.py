"""From a user's data to a fitted model in one call: ``evo.fit``."""

from evo.fitting.effort import EFFORTS, Effort
from evo.fitting.fit import fit
from evo.fitting.fitted import Fitted, load_fitted
from evo.fitting.forecasting import Forecaster, series_data

__all__ = ["EFFORTS", "Effort", "Fitted", "Forecaster", "fit", "load_fitted", "series_data"]
