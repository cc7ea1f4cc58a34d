"""evo: evolves Keras architectures, resumes bit for bit, and hands back an ensemble.

Importing it loads neither Keras nor its backend: workers do that.
"""

from typing import TYPE_CHECKING, Any

from evo import algorithms, errors, report, workers
from evo.campaign import Campaign, TrialLimits, TrialTraining, resume
from evo.campaign.individual import Individual
from evo.campaign.result import Result
from evo.campaign.stored_result import load_result
from evo.core.budget import Budget
from evo.core.constraints import Constraint
from evo.core.errors import EvoError
from evo.core.events import Callback
from evo.core.history import History
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.data import Data
from evo.ensemble import Ensemble
from evo.fitting import Fitted, Forecaster, fit, load_fitted, series_data

if TYPE_CHECKING:
    from evo.fitting.estimators import EvoClassifier, EvoRegressor

__version__ = "0.1.0"

__all__ = [
    "Budget",
    "Callback",
    "Campaign",
    "Constraint",
    "Data",
    "Ensemble",
    "EvoClassifier",
    "EvoError",
    "EvoRegressor",
    "Fitted",
    "Forecaster",
    "History",
    "Individual",
    "Outcome",
    "Proposal",
    "Result",
    "Status",
    "Trial",
    "TrialLimits",
    "TrialTraining",
    "algorithms",
    "errors",
    "fit",
    "load_fitted",
    "load_result",
    "report",
    "resume",
    "series_data",
    "workers",
]


def __getattr__(name: str) -> Any:
    """The estimators, when they are asked for: they need scikit-learn, which takes a second to import."""
    if name in ("EvoClassifier", "EvoRegressor"):
        from evo.fitting import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module 'evo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
