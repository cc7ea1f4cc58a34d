"""KerasTuner's users at home: its tuner and its oracle, with evo's search behind them.

This module subclasses KerasTuner's classes, and so it needs the package; nothing else of evo imports it.
"""

try:
    import keras_tuner  # noqa: F401
except ImportError:
    raise ImportError("evo.integrations.keras_tuner needs keras-tuner: pip install keras-tuner") from None

from evo.integrations.keras_tuner.oracle import EvolutionOracle
from evo.integrations.keras_tuner.result import TunerResult
from evo.integrations.keras_tuner.tuner import EvolutionTuner

__all__ = ["EvolutionOracle", "EvolutionTuner", "TunerResult"]
