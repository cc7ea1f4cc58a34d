"""Trees beside the nets: members of an ensemble for tabular tasks, stored as arrays."""

from __future__ import annotations

from evo.ensemble.fold import Fold
from evo.ensemble.trees.fitting import KINDS, RECIPES, fit_trees, tree_candidates
from evo.ensemble.trees.tree_model import TreeModel

__all__ = ["KINDS", "RECIPES", "Fold", "TreeModel", "fit_trees", "tree_candidates"]
