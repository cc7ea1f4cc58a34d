"""evo: evolves Keras architectures, resumes bit for bit, and hands back an ensemble.

Importing it loads neither Keras nor its backend: workers do that.
"""

from evo import algorithms, errors, report, workers
from evo.budget import Budget
from evo.campaign import Campaign, resume
from evo.data import Data
from evo.ensemble import Ensemble
from evo.errors import EvoError
from evo.events import Callback
from evo.history import History, Outcome, Proposal, Status, Trial
from evo.result import Individual, Result, load_result

__version__ = "0.1.0"

__all__ = [
    "Budget",
    "Callback",
    "Campaign",
    "Data",
    "Ensemble",
    "EvoError",
    "History",
    "Individual",
    "Outcome",
    "Proposal",
    "Result",
    "Status",
    "Trial",
    "algorithms",
    "errors",
    "load_result",
    "report",
    "resume",
    "workers",
]
