"""Ensembles: selection, weights, diversity, and the model that comes of them."""

from __future__ import annotations

from evo.ensemble.candidates import Candidate, EnsembleWarning
from evo.ensemble.ensemble import Ensemble, Member
from evo.ensemble.selection import Selection, build

__all__ = ["Candidate", "Ensemble", "EnsembleWarning", "Member", "Selection", "build"]
