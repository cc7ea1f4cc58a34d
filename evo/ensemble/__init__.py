"""Ensembles: selection, weights, diversity, and the model formed from them."""

from __future__ import annotations

from evo.ensemble.ensemble import Ensemble
from evo.ensemble.library import EnsembleWarning, LibraryModel
from evo.ensemble.linear import LinearModel, linear_candidates
from evo.ensemble.member import Member
from evo.ensemble.selection import (
    FrontierPoint,
    Selection,
    build,
    frontier,
    parents_by_ensemble,
    selection_by_ensemble,
)
from evo.ensemble.trees import TreeModel, fit_trees, tree_candidates

__all__ = [
    "Ensemble",
    "EnsembleWarning",
    "FrontierPoint",
    "LibraryModel",
    "LinearModel",
    "Member",
    "Selection",
    "TreeModel",
    "build",
    "fit_trees",
    "frontier",
    "linear_candidates",
    "parents_by_ensemble",
    "selection_by_ensemble",
    "tree_candidates",
]
