"""Forecasts: from a long series to a model that continues it."""

from evo.fitting.forecasting.forecaster import Forecaster
from evo.fitting.forecasting.training import fit_forecast, series_data

__all__ = ["Forecaster", "fit_forecast", "series_data"]
