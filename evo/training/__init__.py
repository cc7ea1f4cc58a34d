"""One trial, from genome to report: build, train, evaluate, save.

Importing this package costs nothing: Keras and its backend are imported by
the first trial.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from evo.training.task import DataReference, TrainingSettings, TrialReport, TrialTask

if TYPE_CHECKING:
    from evo.training.model_loading import load_model
    from evo.training.trial import train

__all__ = [
    "DataReference",
    "TrainingSettings",
    "TrialReport",
    "TrialTask",
    "load_model",
    "train",
]

_LAZY = {"train": "evo.training.trial", "load_model": "evo.training.model_loading"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
