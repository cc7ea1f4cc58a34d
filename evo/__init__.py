"""evo: evolves Keras architectures, resumes bit for bit, and hands back an ensemble.

Importing it loads neither Keras nor its backend: workers do that.
"""

from evo import algorithms, errors, report, workers
from evo.campaign import Campaign, TrialLimits, TrialTraining, resume
from evo.campaign.result import Individual, Result, load_result
from evo.core.budget import Budget
from evo.core.errors import EvoError
from evo.core.events import Callback
from evo.core.history import History
from evo.core.trial import Outcome, Proposal, Status, Trial
from evo.data import Data
from evo.ensemble import Ensemble
from evo.fitting import Fitted, fit, load_fitted

__version__ = "0.1.0"

__all__ = [
    "Budget",
    "Callback",
    "Campaign",
    "Data",
    "Ensemble",
    "EvoError",
    "Fitted",
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
    "workers",
]
