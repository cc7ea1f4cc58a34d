"""Campaigns: where algorithms, workers, storage and data are tied together, and nowhere else."""

from evo.campaign.arguments import TrialLimits, TrialTraining
from evo.campaign.campaign import Campaign, resume

__all__ = ["Campaign", "TrialLimits", "TrialTraining", "resume"]
