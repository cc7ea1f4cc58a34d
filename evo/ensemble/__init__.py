"""Ensembles: selection, weights, diversity, and the model that comes of them."""

from __future__ import annotations

from evo.ensemble.candidates import Candidate, EnsembleWarning
from evo.ensemble.ensemble import Ensemble, Member
from evo.ensemble.selection.frontier import FrontierPoint, frontier
from evo.ensemble.selection.parents import parents_by_ensemble, selection_by_ensemble
from evo.ensemble.selection.selection import Selection, build
from evo.ensemble.trees.trees import TreeModel, fit_trees, tree_candidates

__all__ = [
    "Candidate",
    "Ensemble",
    "EnsembleWarning",
    "FrontierPoint",
    "Member",
    "Selection",
    "TreeModel",
    "build",
    "fit_trees",
    "frontier",
    "parents_by_ensemble",
    "selection_by_ensemble",
    "tree_candidates",
]
