"""What each part of a library contributes to an ensemble: nets, trees, linear models."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from evo.core.errors import EnsembleError
from evo.ensemble import library
from evo.ensemble.ensemble import Ensemble
from evo.ensemble.selection import build
from genomes.targets import Target

#: What the kinds of candidates are called.
NAMES: Mapping[str, str] = {"net": "nets", "trees": "trees", "linear": "linear models"}


def contributions(
    ensemble: Ensemble,
    candidates: library.Candidates,
    y_validation: np.ndarray,
    target: Target,
    size: int,
    rng: np.random.Generator,
    options: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """What an ensemble of each kind alone would be, beside the ensemble that was chosen of all.

    A kind by itself is judged as the whole is: each row by what was chosen without it; chosen by learned weights, so
    that it costs a fraction of the choice among all.

    Args:
        ensemble: what was chosen.
        candidates: what it was chosen from.
        y_validation: targets of the rows that they are judged by.
        target: what is predicted.
        size: most members.
        rng: of folds.
        options: of :func:`evo.ensemble.build`, as the ensemble was chosen with.

    Returns:
        For each kind, heaviest first, a JSON object: ``part``, ``candidates``, ``members`` and ``weight`` in the
        ensemble, ``estimate`` by metric of the kind alone; nothing where there is one kind only.
    """
    kinds = list(dict.fromkeys(candidate.kind for candidate in candidates))
    if len(kinds) < 2:
        return []
    found = []
    for kind in kinds:
        own = [candidate for candidate in candidates if candidate.kind == kind]
        members = [member for member in ensemble.members if member.kind == kind]
        found.append(
            {
                "part": NAMES.get(kind, kind),
                "candidates": len(own),
                "members": len(members),
                "weight": float(sum(member.weight for member in members)),
                "estimate": _alone(own, y_validation, target, size, rng, options),
            }
        )
    return sorted(found, key=lambda part: -float(str(part["weight"])))


def _alone(
    candidates: library.Candidates,
    y_validation: np.ndarray,
    target: Target,
    size: int,
    rng: np.random.Generator,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Nested estimates of an ensemble of these; none where it cannot be formed."""
    method = options.get("method", "auto")
    given = {**options, "method": "weighted" if method == "auto" else method, "confidence": None, "rng": rng}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", library.EnsembleWarning)
            selection = build(candidates, y_validation, target, size, **given)
    except EnsembleError:
        return {}
    return {metric: estimate.to_json() for metric, estimate in selection.estimate.items()}
