"""Trees on a campaign's rows: when they are grown, and from what."""

from __future__ import annotations

from typing import Any

import numpy as np

from evo.core.errors import EnsembleError, SettingsError
from evo.data import take
from evo.ensemble import LibraryModel, tree_candidates
from evo.ensemble.trees import KINDS, Fold
from evo.prepared_data import PreparedData
from genomes.spaces.base import Space
from genomes.spaces.tabular import TabularSpace


def are_wanted(trees: Any, space: Space) -> bool:
    """Whether trees are grown: ``auto`` means for premade spaces of tables.

    Raises:
        SettingsError: neither a boolean nor ``auto``.
    """
    if not isinstance(trees, (bool, np.bool_)) and trees != "auto":
        raise SettingsError(f"trees: expected True, False or 'auto', got {trees!r}")
    if trees == "auto":
        return isinstance(space, TabularSpace)
    return bool(trees)


def grown_trees(space: Space, data: PreparedData, seed: int, seconds: float | None = None) -> list[LibraryModel]:
    """Trees on the rows that candidates are trained on and judged by, with the same folds.

    Args:
        space: of the campaign.
        data: of the campaign.
        seed: of the campaign.
        seconds: begin no further trees after this time; None for no limit.

    Raises:
        EnsembleError: no table, or none could be grown.
    """
    if space.target is None:
        raise EnsembleError("trees: this campaign's space does not say what it predicts; leave trees out")
    x, folds = data.get("x_train"), _folds(data)
    kept = data.get("x_validation")
    if folds:
        judged = np.concatenate([data.arrays[f"fold/{number}/validation"] for number in range(data.folds)])
        kept = take(x, judged)
    return tree_candidates(
        x,
        np.asarray(data.get("y_train")),
        kept,
        np.asarray(data.get("y_validation")),
        space.target.unlabelled,
        outputs=space.target.outputs,
        categorical=[c.input_name for c in getattr(space, "columns", ()) if c.kind == "integer"],
        folds=folds,
        sample_weight=data.get("weight_train"),
        seed=seed,
        seconds=seconds,
        data=data.fingerprint,
    )


def _folds(data: PreparedData) -> list[Fold]:
    """Folds; their validation rows stand one fold after the other."""
    found, place = [], 0
    for number in range(data.folds):
        train, judged = data.arrays[f"fold/{number}/train"], data.arrays[f"fold/{number}/validation"]
        weight = data.arrays.get(f"fold/{number}/weight")
        if weight is None and "weight_train" in data.arrays:
            weight = data.arrays["weight_train"][train]
        found.append(Fold(train, place + np.arange(len(judged)), weight))
        place += len(judged)
    return found


def kinds_in_words() -> str:
    """One line: the kinds of trees that are grown, and those whose packages are not installed."""
    names = [name for name, kind in KINDS.items() if kind.is_installed]
    missing = [name for name, kind in KINDS.items() if not kind.is_installed]
    without = f" (not installed: {', '.join(missing)})" if missing else ""
    return f"trees beside the nets: {', '.join(names)}{without}"
