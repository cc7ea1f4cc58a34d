"""Ensembles: selection, weights, diversity, and the model that comes of them."""

from __future__ import annotations

from evo.ensemble.candidates import Candidate, EnsembleWarning
from evo.ensemble.selection import Selection, build

__all__ = ["Candidate", "EnsembleWarning", "Selection", "build"]
