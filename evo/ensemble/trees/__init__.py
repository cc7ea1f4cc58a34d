"""Gradient-boosted trees beside the nets: members of an ensemble for tabular tasks."""

from __future__ import annotations

from evo.ensemble.trees.fitting import fit_trees, tree_candidates
from evo.ensemble.trees.tree_model import TreeModel

__all__ = ["TreeModel", "fit_trees", "tree_candidates"]
